import Glibc

/// What else the machine did during a phase: other programs, and the host of a virtual machine. Both spoil figures
/// without leaving a trace in them.
///
/// Others are counted by their user time alone: the kernel does part of the network's and the disk's work for client
/// and server outside of either.
struct MachineLoad: Encodable, Equatable {
    /// Above this the report warns.
    static let coresMax = 0.1

    /// Cores that programs other than server and client kept busy; nil when the server's process is not known.
    var otherCores: Double?
    /// Cores that the host gave to somebody else.
    var stolenCores: Double

    var isDisturbing: Bool { (otherCores ?? 0) > Self.coresMax || stolenCores > Self.coresMax }

    /// Counters since the machine started.
    struct Sample: Equatable {
        var userNanoseconds: UInt64
        var stolenNanoseconds: UInt64
        var clientUserNanoseconds: UInt64 = 0

        /// Nil where `/proc/stat` can't be read.
        static func now() -> Sample? {
            let perTick = UInt64(1_000_000_000 / sysconf(Int32(_SC_CLK_TCK)))
            guard var sample = ProcFile.contents(of: "/proc/stat").flatMap({ Sample(stat: $0, perTick: perTick) })
            else { return nil }
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            sample.clientUserNanoseconds =
                UInt64(usage.ru_utime.tv_sec) * 1_000_000_000 + UInt64(usage.ru_utime.tv_usec) * 1_000
            return sample
        }

        init(userNanoseconds: UInt64, stolenNanoseconds: UInt64, clientUserNanoseconds: UInt64) {
            self.userNanoseconds = userNanoseconds
            self.stolenNanoseconds = stolenNanoseconds
            self.clientUserNanoseconds = clientUserNanoseconds
        }

        /// The first line: `cpu  user nice system idle iowait irq softirq steal …`, in ticks.
        init?(stat: String, perTick: UInt64) {
            guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
            let fields = line.split(separator: " ").dropFirst().compactMap { UInt64($0) }
            guard fields.count >= 8 else { return nil }
            userNanoseconds = (fields[0] + fields[1]) * perTick
            stolenNanoseconds = fields[7] * perTick
        }
    }

    init(otherCores: Double?, stolenCores: Double) {
        self.otherCores = otherCores
        self.stolenCores = stolenCores
    }

    /// Up to now. Nil where there was no sample.
    init?(since before: Sample?, server: ProcessCPU.Usage?, elapsedNanoseconds: UInt64) {
        guard let before, let now = Sample.now() else { return nil }
        self.init(from: before, to: now, server: server, elapsedNanoseconds: elapsedNanoseconds)
    }

    /// - Parameter server: what the server used between the two samples.
    init(from before: Sample, to after: Sample, server: ProcessCPU.Usage?, elapsedNanoseconds: UInt64) {
        let elapsed = Double(max(1, elapsedNanoseconds))
        stolenCores = Double(after.stolenNanoseconds - min(before.stolenNanoseconds, after.stolenNanoseconds)) / elapsed
        otherCores = server.map { server in
            let all = after.userNanoseconds - min(before.userNanoseconds, after.userNanoseconds)
            let client = after.clientUserNanoseconds - min(before.clientUserNanoseconds, after.clientUserNanoseconds)
            let ours = client + server.userNanoseconds
            return Double(all - min(ours, all)) / elapsed
        }
    }
}
