module example.com/types.test/v2

go 1.18
