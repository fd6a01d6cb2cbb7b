// Package mibs reads fax machines: profiles say which objects of which machine tell what,
// Identify finds the profile that fits, and Read makes a reading of a device's answers.
// It opens no connection; whoever does hands it an Asker.
//
// A profile is a file of profiles/*.yml, or of a user's own folder; kyocera.yml is a simple
// one, xerox.yml one that has to search. It says
//
//	name, vendor, title   how readings, ids and people call it
//	roots                 short names for the beginnings of OIDs
//	match                 sysObjectID or sysDescr, and objects that prove it, since either can lie
//	identity              where serial, model, name and location stand; neutral profiles add theirs
//	rows                  how to find rows of tables by what they say, never by their number
//	fax                   what shows that the machine can, or can't, fax
//	measures              what counts what, in which unit, how certain, known from where
//	fax_service, lines    what the values of which objects mean
//	checks                sums that should close
//	cannot_tell, quirks   what else to know
//
// Wherever a list says the same thing several times, the first that the device answers
// counts: values are never added across rules, and never guessed. A counter's rule is
// profile/measure.rule; it stays while its row moves about, and so do the books.
//
// To add a device: a profile, a recording in testdata, and go test ./mibs -update, which writes
// what it reads as and README.md, for a person to read.
package mibs
