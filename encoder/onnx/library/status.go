package library

// Report is what Status found out.
type Report struct {
	Wanted   string    `json:"wanted"`            // version that Install fetches
	Minimum  string    `json:"minimum"`           // oldest version that can serve
	Platform string    `json:"platform"`          // "linux/amd64"
	Cache    string    `json:"cache,omitempty"`   // folder of installed libraries, absolute
	Library  *Library  `json:"library,omitempty"` // the library that would be loaded
	Tried    []Attempt `json:"tried,omitempty"`   // places passed over before it, or all of them
	Problem  string    `json:"problem,omitempty"` // why nothing can be loaded, "" when all is well
	Err      error     `json:"-"`                 // the same as an error
}

// Status tells which library would be loaded and where else was looked, and
// compares an installed library with the hash recorded for it. It loads
// nothing.
func Status(opts Options) Report {
	p := opts.platform
	if p == (Platform{}) {
		p = Host()
	}
	r := Report{Wanted: Version, Minimum: MinVersion, Platform: p.String()}
	if dir, err := cacheFolder(opts.Cache, p); err == nil {
		r.Cache = dir
	}
	s := search{opts: opts, platform: p}
	lib, ok := s.run()
	r.Tried = s.tried
	if ok {
		r.Library = &lib
		r.Err = lib.Verify()
	} else {
		r.Err = &NotFoundError{Tried: s.tried}
	}
	if r.Err != nil {
		r.Problem = r.Err.Error()
	}
	return r
}
