module github.com/hindcast/hindcast

go 1.26
