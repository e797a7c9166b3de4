"""Tests of fastpc.engine; a package, so that its file names may recur in other folders."""
