// A file server of Go's standard library: files PORT ROOT.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	files := http.FileServer(http.Dir(os.Args[2]))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], files))
}
