import CLiburing
import Glibc

/// A device whose files and folders are the operating system's: all but the way batches are written.
protocol PosixDevice: LogDevice {}

extension PosixDevice {
    public func createFolder(_ path: String) throws(LogError) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            let parent = made.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : made
            made += made.isEmpty && !path.hasPrefix("/") ? String(part) : (part.isEmpty ? "" : "/\(part)")
            if part.isEmpty || part == "." || part == ".." { continue }
            if mkdir(made, 0o750) == 0 {
                try syncFolder(parent)
            } else if errno != EEXIST {
                throw LogError.system(operation: "create folder", path: made, errno: errno)
            }
        }
    }

    public func list(_ folder: String) throws(LogError) -> [String] {
        guard let stream = opendir(folder) else {
            throw LogError.system(operation: "list folder", path: folder, errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw LogError.system(operation: "list folder", path: folder, errno: errno) }
        return names
    }

    public func lock(_ path: String, _ mode: LockMode) throws(LogError) -> any DeviceLock {
        let flags = mode == .exclusive ? O_RDWR | O_CREAT : O_RDONLY
        let descriptor = holdfast_open(path, flags, 0o640)
        guard descriptor >= 0 else { throw LogError.system(operation: "open", path: path, errno: -descriptor) }
        while flock(descriptor, (mode == .exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            Glibc.close(descriptor)
            let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            if reason == EWOULDBLOCK { throw LogError.locked(folder: folder) }
            throw LogError.system(operation: "lock", path: path, errno: reason)
        }
        return PosixLock(descriptor: descriptor)
    }

    public func open(_ path: String, _ access: FileAccess) throws(LogError) -> any DeviceFile {
        try PosixFile(path, access)
    }

    public func rename(_ path: String, to newPath: String) throws(LogError) {
        guard Glibc.rename(path, newPath) == 0 else {
            throw LogError.system(operation: "rename to \(newPath)", path: path, errno: errno)
        }
    }

    public func remove(_ path: String) throws(LogError) {
        guard unlink(path) == 0 else { throw LogError.system(operation: "remove", path: path, errno: errno) }
    }

    public func syncFolder(_ path: String) throws(LogError) {
        let descriptor = holdfast_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw LogError.system(operation: "open folder", path: path, errno: -descriptor) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogError.system(operation: "sync folder", path: path, errno: errno) }
    }

    public func freeBytes(of folder: String) throws(LogError) -> Int {
        var filesystem = statvfs()
        guard statvfs(folder, &filesystem) == 0 else {
            throw LogError.system(operation: "ask for the free space of", path: folder, errno: errno)
        }
        // Available to users, without what is set aside for root; saturated, since some filesystems have no limit.
        let (bytes, overflow) = Int(clamping: filesystem.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: filesystem.f_frsize))
        return overflow ? .max : bytes
    }
}

/// A `flock` on a file, held by an open descriptor.
final class PosixLock: DeviceLock {
    private let descriptor: DescriptorOwner

    init(descriptor: Int32) { self.descriptor = DescriptorOwner(descriptor) }

    /// Unlocks before closing: a child process that is just being started has a copy of the descriptor until it runs
    /// its program, and would hold the lock that much longer.
    func release() {
        if descriptor.descriptor >= 0 { flock(descriptor.descriptor, LOCK_UN) }
        descriptor.close()
    }
}

/// A file of the operating system.
final class PosixFile: DeviceFile {
    let path: String
    let isDirect: Bool
    private let owner: DescriptorOwner

    /// Valid until `close`.
    var descriptor: Int32 { owner.descriptor }

    init(_ path: String, _ access: FileAccess) throws(LogError) {
        self.path = path
        let flags =
            switch access {
            case .read, .readDirect: O_RDONLY
            case .create: O_RDWR | O_CREAT | O_TRUNC
            case .update: O_RDWR
            }
        var descriptor: Int32 = -EINVAL
        if access != .read { descriptor = holdfast_open(path, flags | holdfast_open_direct, 0o640) }
        isDirect = descriptor >= 0
        // EINVAL is how a filesystem says that it has no O_DIRECT.
        if descriptor == -EINVAL { descriptor = holdfast_open(path, flags, 0o640) }
        guard descriptor >= 0 else { throw LogError.system(operation: "open", path: path, errno: -descriptor) }
        owner = DescriptorOwner(descriptor)
        if access == .read { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
    }

    func byteCount() throws(LogError) -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw LogError.system(operation: "find the size of", path: path, errno: errno) }
        return end
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        var done = 0
        while done < bytes.count {
            let count = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            if count == 0 { break }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw LogError.system(operation: "read at byte \(offset + done) of", path: path, errno: errno)
            }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw LogError.system(
                    operation: "write at byte \(offset + done) of",
                    path: path,
                    errno: count == 0 ? ENOSPC : errno
                )
            }
            done += count
        }
    }

    func sync() throws(LogError) {
        guard fsync(descriptor) == 0 else { throw LogError.system(operation: "sync", path: path, errno: errno) }
    }

    func close() { owner.close() }
}

/// Closes a descriptor exactly once.
///
/// `@unchecked Sendable`: users hand files from thread to thread, and `close` comes after the last use.
final class DescriptorOwner: @unchecked Sendable {
    private(set) var descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
