import Glibc
import Testing

@testable import WAL

/// One writer or any number of readers, within a process and between processes, on the real disk.
@Suite struct LockTests {
    @Test func folderIsHeldByOneLogAtATime() throws {
        let folder = TemporaryFolder()
        let log = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        #expect(throws: LogError.locked(folder: folder.path)) {
            try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        }
        #expect(throws: LogError.locked(folder: folder.path)) {
            try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        }
        try log.close()
        let reader = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        let other = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        #expect(throws: LogError.locked(folder: folder.path)) {
            try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        }
        try reader.close()
        try other.close()
    }

    /// As a second server would meet the first.
    @Test func anotherProcessMeetsTheLock() throws {
        let folder = TemporaryFolder()
        let log = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        #expect(try Holder.exitCode(of: "--nonblock", folder) == 1)
        #expect(try Holder.exitCode(of: "--nonblock --shared", folder) == 1)
        try log.close()
        #expect(try Holder.exitCode(of: "--nonblock", folder) == 0)
        let reader = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        #expect(try Holder.exitCode(of: "--nonblock", folder) == 1)
        #expect(try Holder.exitCode(of: "--nonblock --shared", folder) == 0)
        try reader.close()
    }

    /// As the second server itself: it says who is in the way, changes nothing, and can start when the other is dead.
    @Test func weMeetAnotherProcess() throws {
        let folder = TemporaryFolder()
        try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice()).close()
        let names = try IOUringDevice().list(folder.path).sorted()
        let writer = try Holder("--exclusive", folder)
        for attempt in [
            { _ = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice()) },
            { _ = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice()) },
        ] {
            let error = logError(attempt)
            #expect(error == .locked(folder: folder.path))
            #expect("\(try #require(error))".contains("another process uses \(folder.path); nothing was changed"))
        }
        writer.kill()
        let reader = try Holder("--shared", folder)
        #expect(
            logError { _ = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice()) }
                == .locked(folder: folder.path)
        )
        try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice()).close()
        reader.kill()
        #expect(try IOUringDevice().list(folder.path).sorted() == names)
        // The lock dies with its process, however that ends.
        try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice()).close()
    }

    @Test func lockThatCannotBeTaken() {
        let device = SimulatedDevice()
        device.plan(.fail(errno: EACCES), ofOperation: "lock")
        let error = logError { _ = try WriteAheadLog.open(folder: "/log", options: .small, device: device) }
        #expect(error == .system(operation: "lock", path: "/log/LOCK", errno: EACCES))
        #expect(device.paths.isEmpty)
    }
}

/// Another process that holds the folder's lock: `flock` of util-linux, with a shell that waits to be killed.
private final class Holder {
    private let process: pid_t

    init(_ mode: String, _ folder: TemporaryFolder) throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        process = try Self.spawn(
            "flock \(mode) --no-fork \(folder.path)/LOCK sh -c 'echo held; exec sleep 60'",
            ends[1]
        )
        close(ends[1])
        var byte: UInt8 = 0
        // It speaks when it has the lock.
        try #require(read(ends[0], &byte, 1) == 1)
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    static func exitCode(of mode: String, _ folder: TemporaryFolder) throws -> Int32 {
        let process = try spawn("flock \(mode) \(folder.path)/LOCK true", STDERR_FILENO)
        var status: Int32 = 0
        try #require(waitpid(process, &status, 0) == process)
        return status >> 8 & 0xFF
    }

    private static func spawn(_ command: String, _ output: Int32) throws -> pid_t {
        let words = ["sh", "-c", "exec \(command)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var process = pid_t()
        try #require(posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ) == 0)
        return process
    }
}
