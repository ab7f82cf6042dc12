import Glibc

/// How many descriptors this process may have open; a server that it starts inherits the limit.
enum OpenFileLimit {
    /// Descriptors beside the connections: standard streams, files, the poll.
    static let reserve = 256

    enum Failure: Error, CustomStringConvertible {
        case tooLow(wanted: Int, allowed: Int)

        var description: String {
            switch self {
            case .tooLow(let wanted, let allowed):
                "this needs \(wanted) open files and the system allows \(allowed): fewer connections, or 'ulimit -n' as root"
            }
        }
    }

    /// Raises the limit so that so many connections fit.
    static func raise(forConnections connections: Int) throws(Failure) {
        let wanted = connections + reserve
        let allowed = raise(to: wanted)
        guard allowed >= wanted else { throw .tooLow(wanted: wanted, allowed: allowed) }
    }

    /// Raises the limit to the wanted number, or as near to it as is allowed: beyond the hard limit only a privileged
    /// process may. Never lowers it.
    /// - Returns: the limit there is now.
    @discardableResult
    static func raise(to wanted: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(wanted) else { return clamped(limit.rlim_cur) }
        if limit.rlim_max < rlim_t(wanted) {
            var raised = rlimit(rlim_cur: rlim_t(wanted), rlim_max: rlim_t(wanted))
            if setrlimit(resource, &raised) == 0 { return wanted }
        }
        let before = limit.rlim_cur
        limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
        return clamped(setrlimit(resource, &limit) == 0 ? limit.rlim_cur : before)
    }

    private static func clamped(_ limit: rlim_t) -> Int { Int(min(limit, rlim_t(Int.max))) }

    /// The soft limit of another process; nil when it can't be read.
    static func current(of process: Int32) -> Int? {
        ProcFile.contents(of: "/proc/\(process)/limits").flatMap(openFiles(inLimits:))
    }

    /// The line `Max open files            1024                 524288               files`.
    static func openFiles(inLimits text: String) -> Int? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") }) else {
            return nil
        }
        return line.split(separator: " ").dropFirst(3).first.flatMap { $0 == "unlimited" ? .max : Int($0) }
    }
}
