import Glibc

/// What the system says of this process.
struct ProcessStatistics {
    var residentBytes: UInt64 = 0
    var virtualBytes: UInt64 = 0
    var cpuMilliseconds: UInt64 = 0
    /// Milliseconds since 1970, and since the start.
    var startedAt: UInt64 = 0
    var uptimeMilliseconds: UInt64 = 0
    /// Nil where the kernel, before 6.2, would have to be asked for each of them.
    var openFiles: UInt64?
    var openFilesMax: UInt64 = 0

    /// Nil without `/proc`.
    init?() {
        // The second field is the program's name in parentheses, which may have anything in it.
        guard let line = Self.read("/proc/self/stat"), let nameEnd = line.lastIndex(of: ")") else { return nil }
        let fields = line[nameEnd...].split(separator: " ").dropFirst().compactMap { UInt64($0) ?? 0 }
        let ticksPerSecond = UInt64(sysconf(Int32(_SC_CLK_TCK)))
        // Counted from the third field on, the process' state.
        guard fields.count > 21, ticksPerSecond > 0 else { return nil }
        cpuMilliseconds = (fields[11] + fields[12]) * 1_000 / ticksPerSecond
        virtualBytes = fields[20]
        residentBytes = fields[21] * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        let startedAfterBoot = fields[19] * 1_000 / ticksPerSecond
        let sinceBoot = Self.milliseconds(CLOCK_BOOTTIME)
        uptimeMilliseconds = sinceBoot > startedAfterBoot ? sinceBoot - startedAfterBoot : 0
        startedAt = Self.milliseconds(CLOCK_REALTIME) - uptimeMilliseconds
        readFiles()
    }

    private mutating func readFiles() {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { openFilesMax = UInt64(limit.rlim_cur) }
        var status = stat()
        if stat("/proc/self/fd", &status) == 0, status.st_size > 0 { openFiles = UInt64(status.st_size) }
    }

    private static func milliseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// The beginning of a file, which is longer than what is asked for here.
    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
