package src

// The 32 codes of MAP4980, section 1.
const (
	BE14CFE0 Code = "BE14CFE0" // no server delivered the keys at IML
	BE14CFE1 Code = "BE14CFE1" // access to the servers is back, the partitions reboot
	BE14CFE5 Code = "BE14CFE5" // a damaged copy of the key repository was mended by a reboot
	BE14CFEA Code = "BE14CFEA" // periodic retrieval failed for some server
	BE14CFEB Code = "BE14CFEB" // too few servers are configured
	BE14CFF5 Code = "BE14CFF5" // no certificate, or encrypting and plain drives mixed
	BE14E004 Code = "BE14E004" // no active path to a server
	BE14E008 Code = "BE14E008" // the console reaches no server
	BE14E009 Code = "BE14E009" // partition and console cannot talk
	BE14E00B Code = "BE14E00B" // command timeout to the console, for all servers
	BE14E011 Code = "BE14E011" // no server has the key
	BE14E012 Code = "BE14E012" // no server's data key unwraps the group key
	BE14E013 Code = "BE14E013" // the data key's signature does not match
	BE14E0F1 Code = "BE14E0F1" // a server cannot be accessed
	BE14E1F6 Code = "BE14E1F6" // access is back, but a service action forbids the reboot
	BE14E3F7 Code = "BE14E3F7" // no copy of the key repository can be read
	BE14EA0B Code = "BE14EA0B" // command timeout to the console, for some servers
	BE14EA11 Code = "BE14EA11" // some servers do not have the key
	BE14EA12 Code = "BE14EA12" // some servers' data key does not unwrap the group key
	BE14EA13 Code = "BE14EA13" // the signature does not match for some server
	BE14EAF1 Code = "BE14EAF1" // a server does not answer
	BE14EAF2 Code = "BE14EAF2" // a server has not answered for four hours
	BE14EAF3 Code = "BE14EAF3" // a server does not answer over TLS
	BE14EAF4 Code = "BE14EAF4" // a server has not answered over TLS for four hours
	BE316023 Code = "BE316023" // severe software error
	BE31CFE8 Code = "BE31CFE8" // severe software error
	BE31F004 Code = "BE31F004" // a replacement drive did not take its credential
	BE34009E Code = "BE34009E" // a drive was not erased
	BE34009F Code = "BE34009F" // the discontinue scan found drives that were not erased
	BE3400A2 Code = "BE3400A2" // a spare cannot join an inaccessible group
	BE3400A3 Code = "BE3400A3" // a drive arrives configured
	BE3400B3 Code = "BE3400B3" // member drives are security degraded
)
