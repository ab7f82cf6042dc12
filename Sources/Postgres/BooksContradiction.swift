import Engine
import WAL

/// Why the books of a database are not those of a log, as far as it goes. Nil when they are.
///
/// A backup of a data folder has the identity of the folder it was made from, and so has a folder that was cut. Once such a
/// one has sold, its log and the books are two histories with the same beginning, and the log's positions soon reach those
/// of the books. So the watermark also has the origin of its record, which every start of a log chooses anew.
struct BooksContradiction: CustomStringConvertible {
    let description: String

    init?(of books: Watermark, to source: BooksSource) {
        guard let text = Self.text(of: books, to: source) else { return nil }
        description = text
    }

    private static func text(of books: Watermark, to source: BooksSource) -> String? {
        guard books.log == source.identity else {
            return
                "the database has the books of another log (\(books.log), up to position \(books.position)) and this one is "
                + "\(source.identity): give the URL of this log's own database, or --postgres-replace to write over them"
        }
        let origin = books.former == nil ? books.origin : nil
        let own = books.position <= source.log.durablePosition ? source.origin(books.position) : nil
        if books.position > source.start, own == nil || origin != own {
            return
                "the books are at position \(books.position) and this log ended at \(source.start) when it was started: the data "
                + "folder is an older one. holdfast restore --from-postgres makes one as of the books; "
                + "--postgres-replace writes over them"
        }
        // Nobody wrote down where they are from, and there was only one history when the log began behind them.
        guard let origin else { return nil }
        guard let own else {
            return
                "the books are at position \(books.position), and this log no longer remembers that record: nothing "
                + "tells whether the books are its own. If nobody has put the data folder or the database back to "
                + "an older state meanwhile, --postgres-replace writes them anew, but for the audit before"
        }
        guard origin == own else {
            return
                "the books are at position \(books.position) of another history of this log: the data folder was put back to "
                + "an older state and has sold since. holdfast restore --from-postgres makes a folder as of the books; "
                + "--postgres-replace writes over them"
        }
        return nil
    }
}
