// Package mibs reads fax machines: profiles say which objects of which machine tell what,
// Identify finds the profile that fits, and Read makes a reading of a device's answers.
// It opens no connection; whoever does hands it an Asker.
//
// A profile is a file of profiles/*.yml, or of a user's own folder; kyocera.yml is a simple
// one, xerox.yml one that has to search. It says
//
//	name, vendor, title   how readings, ids and people call it
//	roots                 short names for the beginnings of OIDs
//	match                 sysObjectID or sysDescr, and objects that prove it, since either can lie;
//	                      guest_ids: other makers' sysObjectIDs, where the insides may be this one's
//	identity              where serial, model, name and location stand; neutral profiles add theirs
//	rows                  how to find rows of tables by what they say, never by their number
//	fax                   what shows that the machine can, or can't, fax
//	measures              what counts what, in which unit, how certain, known from where
//	fax_service           what the machine says of its own fax function
//	lines                 a gateway's ports and their state, or what a machine says of its own line
//	checks                sums that should close
//	cannot_tell, quirks   what else to know
//
// Wherever a list says the same thing several times, the first that the device answers
// counts: values are never added across rules, and never guessed. A counter's rule is
// profile/measure.rule; it stays while its row moves about, and so do the books.
//
// Machines say things in odd ways. -1 is "not supported" and is left out of a sum, which then is
// another rule (.without_1 if one part is missing), since the part may come one day; any other
// negative value is "not told", and so is the sum. Rows in sheets are not added to rows in sides. A float (HP's A4 equivalents) counts whole
// pages only and ends where a float32 does, at 2^24. An OID that ends in .? may have .0, .0.0 or
// nothing there. Tables that grow are asked for the row behind the last with every poll, so a
// row that comes with a fax is found soon; only if it is the first of its kind the books begin with it.
//
// A device is named by the maker of its insides, whose profile reads it, and by what the profile
// asks first. One that has just booted and doesn't answer that yet has no name for up to ten minutes:
// a machine must never be two. So it also keeps its name, for five identifications, when what names it
// falls silent and something else would give it another.
//
// A gateway's line is a port. Its name becomes part of the line's id, so it is what stands on the
// box, never what people can edit, or else the index of its row: AudioCodes' index 0 is port 1,
// Cisco's ports are called 0/1/0 after their interfaces, since ifIndex may change with every start,
// OneAccess' 5/0, Grandstream's by the first number of the index. Where name and index differ the evidence has both. What tells of a line's
// state is asked in every poll; labels and kinds, which say whether a fax hangs on a port, only
// when the device is identified, so that most gateways are read by one request: 60 objects
// are 58 ports of AudioCodes, 29 of Cisco or Grandstream; larger ones take several.
//
// To add a device: a profile, a recording in testdata, and go test ./mibs -update, which writes
// what it reads as and README.md, for a person to read.
package mibs
