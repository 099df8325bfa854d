package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"sort"
	"sync/atomic"

	deep "example.com/types.test/v2/deep/x.y"
	inner "example.com/types.test/v2/in.ner/v1.2"
)

type Named int
type Func func(int, ...string) (int, error)
type Tree[T any] struct {
	Left, Right *Tree[T]
	Val         T
}
type Num interface{ ~int | ~float64 }

func Map[A, B any](in []A, f func(A) B) []B {
	var out []B
	for _, a := range in {
		out = append(out, keep(a, f(a)))
	}
	return out
}

var sink []any

func use(v any) { sink = append(sink, v) }

func locals() {
	type T struct{ X, Y int }
	use(T{1, 2})
	use(&T{})
	func() {
		type T struct{ Z string }
		use(T{"z"})
		use([]T{})
	}()
}

func more() {
	type T map[string]chan int
	use(T{})
}

type I = int
type MyErr struct{ error }
type Embeds struct {
	http.Handler
	*inner.T
	Named
	deep.Alias
	_ [0]func()
}

func (Named) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "x") }

func main() {
	locals()
	more()
	use(Func(nil))
	use(make(chan (<-chan int)))
	use(make(chan<- chan int))
	use(make(<-chan chan<- int))
	use([3][2]map[Named][]*inner.T{})
	use(struct {
		I
		A int `json:"a"`
		b string
		*inner.T
		error
	}{})
	use(struct{ inner.Pair[string, int] }{})
	use(deep.Alias{})
	use(deep.Enum(1))
	use(&Tree[inner.Pair[string, *inner.T]]{})
	use(&Tree[struct {
		x int
		Y deep.Enum
	}]{})
	use(inner.Pair[deep.Enum, []http.Header]{})
	use(Map([]int{1}, func(i int) string { return fmt.Sprint(i) }))
	use(Map([]deep.Enum{1}, func(i deep.Enum) inner.T { return inner.T{} }))
	use(interface {
		Foo(...int)
		bar() string
	}(nil))
	use(func(a struct{ a int }, b interface{ m() }) (x, y int, z *[]func()) { return })
	use(new(atomic.Pointer[http.Request]))
	use(map[[2]string]func(*http.Request, error) bool{})
	use(MyErr{})
	use(Embeds{})
	use(complex64(1))
	use(uintptr(1))
	use(inner.H)
	var st struct {
		http.Server
		Ch chan struct{} "tag`\n\x01é"
	}
	use(&st)
	sort.Slice(sink, func(i, j int) bool { return i < j })
	for _, v := range sink {
		fmt.Println(reflect.TypeOf(v))
	}
	json.NewEncoder(os.Stdout).Encode(len(sink))
	if len(os.Args) > 5 {
		http.ListenAndServe(":1", Named(1))
	}
}

func init() {
	use(struct {
		_ int
		x int
	}{})
	use([2]struct {
		_ string
		Y int
	}{})
}
