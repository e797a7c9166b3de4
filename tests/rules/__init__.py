"""Tests of fastpc.rules; a package, so that its file names may recur in other folders."""
