import Glibc

/// How many files and sockets this process may have open.
enum OpenFiles {
    /// What the log, the event loops and the system take beside connections.
    static let besideConnections = 128

    /// Raises the process's own limit as far as it must be and may be.
    /// - Returns: how many connections there may be at most, `wanted` or fewer.
    static func makeRoom(forConnections wanted: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return wanted }
        let needed = rlim_t(wanted + besideConnections)
        if limit.rlim_cur < needed {
            var raised = rlimit(rlim_cur: needed, rlim_max: max(needed, limit.rlim_max))
            // Only root may go beyond the hard limit.
            if setrlimit(resource, &raised) == 0 { return wanted }
            limit.rlim_cur = min(needed, limit.rlim_max)
            guard setrlimit(resource, &limit) == 0 else { return wanted }
        }
        return max(1, min(wanted, Int(clamping: limit.rlim_cur) - besideConnections))
    }

    /// The same without changing the limit.
    static func room(forConnections wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, geteuid() != 0 else { return wanted }
        return max(1, min(wanted, Int(clamping: limit.rlim_max) - besideConnections))
    }
}
