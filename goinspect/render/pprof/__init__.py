"""`--format pprof`: a profile for `go tool pprof` and whatever else reads profile.proto."""
