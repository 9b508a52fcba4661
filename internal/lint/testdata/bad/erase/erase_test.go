package erase

import _ "bad.example/proptest"
