import Engine

// Numbered seats: rows are added, the map is read, seats are kept from sale and given back.

extension Router {
    func seats(
        _ endpoint: Endpoint,
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        switch endpoint {
        case .eventSeats:
            let event = try eventKey(name, call)
            let limit = try call.limit(max: Page.limitMax) ?? Page.limitMax
            var place = SeatRowPlace()
            if let cursor = try call.parameter("cursor") {
                guard let named = Cursor.place(cursor.content) else { throw Call.invalidCursor }
                place = named
            }
            call.reply.shape = .page(Page(limit: limit))
            return call.submission(event, .allSeats(from: place, limit: Int(limit)))
        case .capacitySeats where call.request.method == .post: return try addSeats(name, &call, &sections)
        case .capacitySeats:
            call.reply.shape = .page(try call.page())
            let (event, number) = try section(name, call, &sections)
            return call.submission(event, .seats(number))
        default:
            let (fields, body) = try call.readBody { body throws(JSONError) in try SeatNamesFields(&body) }
            try body.check()
            let (event, number) = try section(name, call, &sections)
            let isBlocked = endpoint == .capacitySeatsBlock
            return call.submission(event, .blockSeats(number, fields.seats, isBlocked: isBlocked))
        }
    }

    private func addSeats(
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try RowsFields(&body) }
        try body.check()
        let (event, number) = try section(name, call, &sections)
        call.reply.shape = .created
        return call.submission(event, .addSeats(number, fields.rows))
    }
}
