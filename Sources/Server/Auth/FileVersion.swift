import Glibc

/// What tells a file from what it was before: it was written to, who may read it has changed, or another one has its name.
struct FileVersion: Equatable, Sendable {
    private var device: UInt64
    private var inode: UInt64
    private var bytes: Int64
    private var modifiedSeconds: Int
    private var modifiedNanoseconds: Int
    private var changedSeconds: Int
    private var changedNanoseconds: Int

    /// Nil where there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
        changedSeconds = status.st_ctim.tv_sec
        changedNanoseconds = status.st_ctim.tv_nsec
    }
}
