"""Tests of fastpc.data; a package, so that its file names may recur in other folders."""
