package nvme

// sanicap is field SANICAP.
const sanicap = 0

const eventIOSpecific = 6

func (c *Controller) whileSanitizing(*Command) (Result, bool) { return done, true }

func (c *Controller) ioWhileSanitizing(*Command, []byte) (Result, bool) { return done, true }

func (c *Controller) sanitize(*Command) Result { return refused(InvalidOpcode) }

func (c *Controller) sanitizeLog() []byte { return make([]byte, 512) }
