import Foundation
import Glibc

/// A filesystem of some megabytes in memory, with a file in it that takes room away; unmounted with the value.
final class SmallFilesystem: Sendable {
    let folder: DataFolder
    let path: String
    private var filler: String { path + "/filler" }

    /// Whether this process may mount one.
    static let isPossible: Bool = (try? SmallFilesystem(mebibytes: 1)) != nil

    init(mebibytes: Int) throws {
        let folder = try DataFolder()
        path = folder.data
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
            throw ServerFailure(description: "mount tmpfs at \(path): \(String(cString: strerror(errno)))")
        }
        self.folder = folder
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    /// Where a server keeps its data in here.
    var data: String { path + "/data" }

    var freeBytes: Int {
        var filesystem = statvfs()
        return statvfs(path, &filesystem) == 0 ? Int(filesystem.f_bavail * filesystem.f_frsize) : 0
    }

    /// Lets another file take all but so many bytes; how far that is possible.
    func fill(leavingBytes: Int) {
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        var block = [UInt8](repeating: 0x55, count: 64 * 1024)
        var offset = lseek(descriptor, 0, SEEK_END)
        while freeBytes > leavingBytes {
            let count = pwrite(descriptor, &block, min(block.count, freeBytes - leavingBytes), offset)
            guard count > 0 else { return }
            offset += count
        }
    }

    func makeRoom() { unlink(filler) }

    /// Takes the unwritten end of the newest segment back, as a filesystem does that promises more than it has.
    func breakPromise() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: data).filter { $0.hasPrefix("wal-") }
        let file = data + "/" + (names.max() ?? "")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let last = bytes.lastIndex { $0 != 0 } ?? 0
        let end = (last / 4096 + 1) * 4096
        guard truncate(file, end) == 0, truncate(file, bytes.count) == 0 else {
            throw ServerFailure(description: "truncate \(file): \(String(cString: strerror(errno)))")
        }
    }
}

extension ServerProcess {
    /// Serves from the small filesystem, with small files.
    static func launch(
        in filesystem: SmallFilesystem,
        snapshotSeconds: Int,
        reserveMebibytes: Int = 8
    ) throws -> ServerProcess {
        try launch(
            in: filesystem.folder,
            [
                "--data", filesystem.data, "--segment-mib", "2", "--disk-reserve-mib", "\(reserveMebibytes)",
                "--snapshot-seconds", "\(snapshotSeconds)", "--log-kept-mib", "0",
            ]
        )
    }
}
