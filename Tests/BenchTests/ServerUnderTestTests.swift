import Glibc
import Testing

@testable import Bench

@Suite struct ServerUnderTestTests {
    @Test func readsTimeAndMemoryAcrossAStrangeName() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 1 0 0 0 12 34 0 0 20 0 1 0 99 4096 5678 18446744073709551615 1 1"
        Array(stat.utf8).withUnsafeBytes { bytes in
            let found = ProcessSampler.read(bytes)
            #expect(found?.user == 12 && found?.system == 34 && found?.pages == 5678)
            #expect(ProcessSampler.read(UnsafeRawBufferPointer(rebasing: bytes[..<40])) == nil)
        }
        Array("".utf8).withUnsafeBytes { #expect(ProcessSampler.read($0) == nil) }
    }

    @Test func thisProcessHasTimeAndMemory() throws {
        guard let sampler = ProcessSampler(process: getpid()) else {
            Issue.record("this process is there")
            return
        }
        let first = sampler.sample()
        let before = try #require(first)
        #expect(before.residentBytes > 1 << 20)
        // A megabyte that is written to is resident.
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 20, alignment: 4096)
        defer { block.deallocate() }
        for offset in stride(from: 0, to: block.count, by: 4096) { block[offset] = 1 }
        let exact = try #require(ProcessMemory.residentBytes(of: getpid()))
        #expect(exact > 64 << 20)
        let second = sampler.sample()
        #expect(try #require(second).residentBytes > before.residentBytes + 32 << 20)
    }

    @Test func aProcessThatIsNotThereHasNone() {
        if ProcessSampler(process: 0x7FFF_FFF0) != nil { Issue.record("there is no such process") }
        #expect(ProcessMemory.residentBytes(of: 0x7FFF_FFF0) == nil)
        #expect(OpenFileLimit.current(of: 0x7FFF_FFF0) == nil)
    }

    @Test func readsTheKernelsTables() {
        #expect(
            ProcessMemory.residentBytes(inSmapsRollup: "00400000-7fff [rollup]\nRss:     1234 kB\nPss: 1 kB\n")
                == 1_263_616
        )
        #expect(ProcessMemory.residentBytes(inSmapsRollup: "nothing") == nil)
        let limits =
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096      files\n"
        #expect(OpenFileLimit.openFiles(inLimits: limits) == 1024)
        #expect(OpenFileLimit.openFiles(inLimits: "Max open files   unlimited  unlimited  files") == .max)
        #expect(OpenFileLimit.openFiles(inLimits: "") == nil)
    }

    @Test func whatOthersDoIsWhatServerAndClientDoNot() throws {
        let before = try #require(
            MachineLoad.Sample(stat: "cpu  100 10 900 5000 1 2 3 40 0 0\ncpu0 1 1\n", perTick: 10_000_000)
        )
        #expect(before.userNanoseconds == 1_100_000_000 && before.stolenNanoseconds == 400_000_000)
        var after = before
        after.userNanoseconds += 3_000_000_000
        after.stolenNanoseconds += 200_000_000
        after.clientUserNanoseconds += 500_000_000
        var server = ProcessCPU.Usage(nanoseconds: 9, systemNanoseconds: 9)
        server.userNanoseconds = 1_500_000_000
        let load = MachineLoad(from: before, to: after, server: server, elapsedNanoseconds: 2_000_000_000)
        #expect(load == MachineLoad(otherCores: 0.5, stolenCores: 0.1) && load.isDisturbing)
        let unknown = MachineLoad(from: before, to: after, server: nil, elapsedNanoseconds: 2_000_000_000)
        #expect(unknown.otherCores == nil && !unknown.isDisturbing)
        #expect(MachineLoad.Sample(stat: "cpu  1 2 3", perTick: 1) == nil)
        #expect(MachineLoad.Sample(stat: "", perTick: 1) == nil)
        let now = try #require(MachineLoad.Sample.now())
        #expect(now.userNanoseconds > 0 && now.clientUserNanoseconds > 0)
    }

    @Test func theLimitOfOpenFilesIsRaisedButNeverLowered() throws {
        let before = OpenFileLimit.raise(to: 1)
        #expect(before >= 1 && OpenFileLimit.raise(to: 2) == before)
        try OpenFileLimit.raise(forConnections: 1)
        #expect(throws: OpenFileLimit.Failure.self) { try OpenFileLimit.raise(forConnections: 1 << 40) }
    }

    @Test func theMedianIsInTheMiddle() {
        #expect(Median.of([]) == 0)
        #expect(Median.of([3]) == 3)
        #expect(Median.of([9, 1, 4]) == 4)
        #expect(Median.of([9, 1, 4, 5]) == 4.5)
    }
}
