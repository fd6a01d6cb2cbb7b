// What Grafana's own types say of dashboards and of the kinds of panels that zerofax draws. dashboards/boards
// writes each panel as one of these (types_test.go), so that tsc finds an option that Grafana doesn't know.
import type { Dashboard as AnyDashboard, FieldConfig, GraphFieldConfig, MatcherConfig, Panel as AnyPanel, RowPanel, TableFieldOptions, TableOptions } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Plain is a type with the values of its enums in their place: JSON has those.
type Plain<T> = T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends readonly (infer E)[] ? Plain<E>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

interface DataLink { title: string; url: string; targetBlank: boolean }

// Standard is what all kinds of panels know of a field.
type Standard = Omit<FieldConfig, 'custom' | 'links'> & { links?: DataLink[] };

// Property is one of them, or one of the panel's kind, as an override names it.
type Property<C> =
  | { [K in keyof Standard & string]-?: { id: K; value: NonNullable<Standard[K]> } }[keyof Standard & string]
  | { [K in keyof C & string]-?: { id: `custom.${K}`; value: NonNullable<C[K]> } }[keyof C & string]
  | { id: 'custom.hidden'; value: boolean }; // of tables before Grafana 13

interface Query { refId: string; datasource: { type: string; uid: string } }
interface PromQL extends Query { expr: string; legendFormat: string; format: 'table' | 'time_series'; instant: boolean; range: boolean; editorMode: 'code' }
interface InfluxQL extends Query { query: string; alias: string; resultFormat: 'table' | 'time_series'; rawQuery: true }

type Panel<Kind extends string, Options, Custom> = Omit<AnyPanel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Kind;
  options: Options;
  targets: (PromQL | InfluxQL)[];
  fieldConfig: { defaults: Standard & { custom?: Custom }; overrides: { matcher: MatcherConfig; properties: Property<Custom>[] }[] };
};

// Kinds are the kinds of panels, by Grafana's name for them.
export type Kinds = Plain<{
  row: RowPanel;
  stat: Panel<'stat', StatOptions, Record<never, never>>;
  bargauge: Panel<'bargauge', BarGaugeOptions, Record<never, never>>;
  timeseries: Panel<'timeseries', TimeSeriesOptions, GraphFieldConfig>;
  table: Panel<'table', TableOptions, TableFieldOptions>;
}>;

// Dashboard is a dashboard without its panels.
export type Dashboard = Plain<Omit<AnyDashboard, 'panels'>>;
