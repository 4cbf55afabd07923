// What the unruly module does wrong, by the protocol of its sockets.
#define AF_UNRULY 61

// The descriptor of the other end of the last socket.
#define UNRULY_PEER 900

enum {
	UNRULY_NOTHING,
	// Each function changes errno.
	UNRULY_ERRNO,
	// Functions answer more bytes than there are.
	UNRULY_LENGTH,
	// Failures are no errno of the kernel's.
	UNRULY_FAILURE,
	// The descriptor is none.
	UNRULY_DESCRIPTOR,
	// Copies are written to.
	UNRULY_COPY,
	// Not a fault: how often sockets were released is what listen answers.
	UNRULY_COUNT,
};
