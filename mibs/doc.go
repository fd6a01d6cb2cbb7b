// Package mibs reads fax machines: profiles say which objects of which machine tell what,
// Identify finds the profile that fits, and Read makes a reading of a device's answers.
// It opens no connection; whoever does hands it an Asker.
package mibs
