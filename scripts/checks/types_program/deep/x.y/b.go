package deep

type Alias = map[string]struct {
	A int `json:"a,omitempty" xml:"\"q\""`
	b string
}

type Enum uint8

func (e Enum) String() string { return "e" }
