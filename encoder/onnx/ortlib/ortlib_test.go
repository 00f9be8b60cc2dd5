package ortlib_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/onnx/ortlib"
)

// Install asks the official release by itself, at the address of that
// version, before it turns to anything else.
func TestInstallAsksTheRelease(t *testing.T) {
	if runtime.GOOS == "darwin" && runtime.GOARCH == "amd64" {
		t.Skip("no release for this platform")
	}
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.NotFound(w, r)
	}))
	defer s.Close()
	none := filepath.Join(t.TempDir(), "no-npm-here")
	_, err := ortlib.Install(context.Background(), ortlib.InstallOptions{Cache: t.TempDir(), ReleaseURL: s.URL, NPM: none})
	if err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "no npm client") {
		t.Errorf("got %v", err)
	}
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "/v"+ortlib.Version+"/onnxruntime-") {
		t.Errorf("asked for %v", asked)
	}
}
