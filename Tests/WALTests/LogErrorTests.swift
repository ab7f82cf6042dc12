import Glibc
import Testing

@testable import WAL

/// What an operator reads names the thing, the place and the way out.
@Suite struct LogErrorTests {
    @Test(arguments: [
        (ENOSYS, "CONFIG_IO_URING"), (EPERM, "kernel.io_uring_disabled"), (EPERM, "seccomp"),
        (ENOMEM, "LimitMEMLOCK"), (EMFILE, "LimitNOFILE"), (EINVAL, "refused"),
    ])
    func refusedRingNamesTheSetting(errno: Int32, word: String) {
        let error = LogError.ioUringUnavailable(errno: errno, doing: "io_uring_setup")
        #expect("\(error)".contains(word))
        #expect("\(error)".contains("io_uring_setup"))
    }

    @Test func fileOffsetAndRemedy() {
        let corrupt = "\(LogError.corrupt(file: "/data/wal-7", offset: 8192, reason: "batch 3 is damaged"))"
        for word in ["/data/wal-7", "8192", "batch 3", "restore"] { #expect(corrupt.contains(word)) }
        let full = "\(LogError.system(operation: "write", path: "/data/wal-7", errno: ENOSPC))"
        for word in ["/data/wal-7", "No space left", "Free space"] { #expect(full.contains(word)) }
        #expect("\(LogError.locked(folder: "/data"))".contains("/data"))
        let newer = "\(LogError.unsupportedVersion(file: "/data/wal-7", version: 5, readerVersion: 3))"
        for word in ["/data/wal-7", "version 5", "version 3", "up to 1", "Nothing was changed", "newer program"] {
            #expect(newer.contains(word))
        }
        #expect("\(LogError.poisoned("disk gone"))".contains("disk gone"))
    }

    @Test func filesOfTheSystemSayWhatWasRefused() {
        let device = IOUringDevice()
        #expect(
            logError { _ = try device.list("/nonexistent") }
                == .system(operation: "list folder", path: "/nonexistent", errno: ENOENT)
        )
        #expect(
            logError { _ = try device.open("/nonexistent/file", .read) }
                == .system(operation: "open", path: "/nonexistent/file", errno: ENOENT)
        )
        #expect(logError { try device.remove("/nonexistent/file") } != nil)
        #expect(logError { try device.rename("/nonexistent/file", to: "/tmp/file") } != nil)
        #expect(logError { try device.syncFolder("/nonexistent") } != nil)
        #expect(logError { try device.createFolder("/proc/nonexistent") } != nil)
    }
}
