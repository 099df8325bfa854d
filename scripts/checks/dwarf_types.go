//go:build ignore

// Prints the types that the DWARF of a Go executable names: vaddr of the descriptor (DW_AT_go_runtime_type),
// reflect.Kind (DW_AT_go_kind), bytes of a value, name; separated by tabs, the name quoted.
//
//	go run dwarf_types.go BINARY
package main

import (
	"bufio"
	"debug/dwarf"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"os"
)

const (
	goKind        = dwarf.Attr(0x2900)
	goRuntimeType = dwarf.Attr(0x2904)
)

func open(path string) (*dwarf.Data, error) {
	if file, err := elf.Open(path); err == nil {
		return file.DWARF()
	}
	if file, err := macho.Open(path); err == nil {
		return file.DWARF()
	}
	file, err := pe.Open(path)
	if err != nil {
		return nil, err
	}
	return file.DWARF()
}

func number(value any) uint64 {
	switch value := value.(type) {
	case uint64:
		return value
	case int64:
		return uint64(value)
	}
	return 0
}

func main() {
	data, err := open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	reader := data.Reader()
	for {
		entry, err := reader.Next()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if entry == nil {
			return
		}
		if entry.Tag == dwarf.TagSubprogram {
			reader.SkipChildren()
		}
		name, named := entry.Val(dwarf.AttrName).(string)
		if value := entry.Val(goRuntimeType); value != nil && named {
			kind, size := number(entry.Val(goKind)), number(entry.Val(dwarf.AttrByteSize))
			fmt.Fprintf(out, "%#x\t%d\t%d\t%s\t%q\n", number(value), kind, size, entry.Tag, name)
		}
	}
}
