// What is required of which version of mochi stands in VERSION.mod: go build -modfile 2.7.9.mod
module driver

go 1.21
