package spool

// Sync does nothing: Windows cannot sync a folder, NTFS keeps names in its own journal.
func (f folder) Sync() error { return nil }
