import Glibc

/// Programs that the bench starts.
enum SpawnedProcess {
    struct Outcome {
        /// As a shell shows it; 128 and more for a signal.
        var status: Int32
        var seconds: Double
        /// Of both outputs.
        var text: String
    }

    static let outputBytesMax = 1 << 20

    static func spawn(_ arguments: [String], _ actions: posix_spawn_file_actions_t) throws(SystemCallError) -> Int32 {
        var actions = actions
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var identifier: pid_t = 0
        let outcome = posix_spawn(&identifier, arguments[0], &actions, nil, pointers, environ)
        guard outcome == 0 else { throw SystemCallError("posix_spawn", code: outcome) }
        return identifier
    }

    /// Runs a program to its end, bound to the calling thread's core unless another is given.
    static func run(_ arguments: [String], core: Int? = nil, ownCore: Int? = nil) throws -> Outcome {
        var name = Array("/tmp/holdfast-bench-output-XXXXXX".utf8CString)
        let output = mkstemp(&name)
        guard output >= 0 else { throw SystemCallError("mkstemp") }
        unlink(name)
        defer { close(output) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        if let core { try ProcessorCore.bindCallingThread(to: core) }
        let began = MonotonicClock.nowNanoseconds()
        let identifier = try spawn(arguments, actions)
        if let ownCore { try ProcessorCore.bindCallingThread(to: ownCore) }
        let status = wait(identifier)
        let seconds = Double(MonotonicClock.nowNanoseconds() - began) / 1e9
        return Outcome(status: status, seconds: seconds, text: contents(of: output))
    }

    /// - Returns: the status, as a shell shows it.
    @discardableResult
    static func wait(_ identifier: Int32) -> Int32 {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0 { guard errno == EINTR else { return -1 } }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    private static func contents(of descriptor: Int32) -> String {
        withUnsafeTemporaryAllocation(byteCount: outputBytesMax, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
        }
    }
}
