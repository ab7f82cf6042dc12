import Foundation
import Testing

@testable import Engine
@testable import Server

@Suite struct CatalogueRenderingTests {
    @Test func event() throws {
        let created = try response(.answer(.event(KnownEvent.view)), reply(.created))
        #expect(created.status == 201)
        #expect(created.fields["Location"] == "/api/v1/events/show")
        #expect(created.fields["ETag"] == "\"3\"")
        #expect(
            created.body == """
                {"event":{"id":"show","name":"Töne \\"live\\"","currency":"EUR","status":"PUBLISHED","version":3,\
                "starts_at":"2025-11-22T08:00:00.000Z","sales_start_at":null,"sales_end_at":null,\
                "hold_time_seconds":900,"hold_time_max_seconds":3600,"max_open_reservations_per_customer":null,\
                "created_at":"2025-11-21T07:59:59.999Z","artist":{"name":"X", "tags":[1, 2]}}}
                """
        )
        let read = try response(.finding(.event(KnownEvent.view)))
        #expect(read.status == 200)
        #expect(read.fields["Location"] == nil)
        #expect(read.body == created.body)
    }

    static let section = """
        {"id":"floor","event_id":"show","section_name":"Floor","section_code":"F","total_capacity":100,\
        "buffer_capacity":10,"available_capacity":65,"reserved_capacity":5,"sold_count":20,"minimum_purchase":1,\
        "maximum_purchase":8,"is_active":true,"is_visible":true}
        """

    @Test func capacity() throws {
        let created = try response(.answer(.section(KnownEvent.section)), reply(.created))
        #expect(created.status == 201)
        #expect(created.fields["Location"] == "/api/v1/capacity/floor")
        #expect(created.body == "{\"capacity\":\(Self.section)}")
        #expect(try response(.finding(.section(KnownEvent.section))).body == created.body)
    }

    @Test func capacityOfAnEvent() throws {
        var filter = SectionFilter(limit: 200)
        let views = [KnownEvent.section, KnownEvent.section]
        let all = try response(.finding(.sectionPage(SectionPage(views: views, next: nil, filter: filter))))
        #expect(all.body == "{\"capacity\":[\(Self.section),\(Self.section)],\"next_cursor\":null}")
        #expect(all.fields["Link"] == nil)
        filter = SectionFilter(limit: 1)
        filter.schedule = "fri/day"
        filter.isActive = true
        let page = SectionPage(views: [KnownEvent.section], next: 1, filter: filter)
        let first = try response(.finding(.sectionPage(page)))
        let cursor = try first.json()["next_cursor"] as! String
        let query = "limit=1&schedule_id=fri%2Fday&is_active=true&cursor=\(cursor)"
        #expect(first.fields["Link"] == "</api/v1/events/show/capacity?\(query)>; rel=\"next\"")
        #expect(first.body == "{\"capacity\":[\(Self.section)],\"next_cursor\":\"\(cursor)\"}")
        var text = cursor
        #expect(text.withUTF8 { Cursor.start(UnsafeRawBufferPointer($0)) } == 1)
    }

    @Test func venue() throws {
        let created = try response(.answer(.venue(KnownEvent.venue)), reply(.created))
        #expect(created.status == 201)
        #expect(created.fields["Location"] == "/api/v1/venues/arena")
        #expect(created.fields["ETag"] == "\"2\"")
        #expect(
            created.body == """
                {"venue":{"id":"arena","name":"Arena","max_capacity":9000,"address":null,"city":"Ulm","state":null,\
                "postal_code":null,"country":null,"version":2,"created_at":"2025-11-21T08:00:00.000Z","doors":[1, 2]}}
                """
        )
    }

    @Test func schedule() throws {
        let created = try response(.answer(.schedule(KnownEvent.schedule)), reply(.created))
        #expect(created.status == 201)
        #expect(created.fields["Location"] == "/api/v1/events/show/schedules/friday")
        #expect(created.fields["ETag"] == "\"5\"")
        #expect(
            created.body == """
                {"schedule":{"id":"friday","event_id":"show","status":"SCHEDULED",\
                "starts_at":"2025-11-21T08:00:00.000Z","ends_at":"2025-11-21T10:00:00.000Z",\
                "doors_open_at":"2025-11-21T07:00:00.000Z","version":5,"act":"X"}}
                """
        )
    }

    /// The tag changes with what is shown; a change is for the version in it.
    @Test func saleStatusIsPartOfTheTag() throws {
        var view = KnownEvent.view
        view.saleStatus = .soldOut
        let shown = try response(.finding(.event(view)))
        #expect(shown.body.contains(#""status":"PUBLISHED","sale_status":"sold_out","version":3"#))
        let tag = try #require(shown.fields["ETag"])
        #expect(tag != "\"3\"")
        var text = tag
        let tags = text.withUTF8 { EntityTags(UnsafeRawBufferPointer($0), weak: false) }
        #expect(tags.single.flatMap(EntityTags.version) == 3)
    }

    /// Events of earlier builds may have a member of the name of their own.
    @Test func saleStatusIsToldOnce() throws {
        var view = KnownEvent.view
        view.saleStatus = .soldOut
        view.details.attributes = #""tags":["sale_status"],"sale_status":"mine","act":"X""#
        let shown = try response(.finding(.event(view)))
        #expect(shown.body.components(separatedBy: #""sale_status":"#).count == 2, "\(shown.body)")
        #expect(shown.body.contains(#","tags":["sale_status"],"act":"X"}"#))
        var text = #"{"name":"New"}"#
        let changed = try text.withUTF8 { bytes in
            var body = BodyReader(UnsafeRawBufferPointer(bytes))
            return try EventPatch(&body).applied(to: view.details)
        }
        #expect(changed.attributes == #""tags":["sale_status"],"act":"X""#)
    }

    /// No text stops the server, wherever it comes from.
    @Test func attributesThatAreNoMembersAreDropped() throws {
        var text = #"{"act":"Y"}"#
        let given = try text.withUTF8 { bytes in
            var body = BodyReader(UnsafeRawBufferPointer(bytes))
            return try EventPatch(&body).attributes
        }
        #expect(given.merged(into: "no members") == #""act":"Y""#)
        #expect(given.merged(into: #""a":1,"a":2"#) == #""act":"Y""#)
    }

    @Test func total() throws {
        let response = try response(.finding(.sections([KnownEvent.section, KnownEvent.section])), reply(.total))
        #expect(
            response.body == """
                {"capacity":{"event_id":"show","total_capacity":200,"buffer_capacity":20,"available_capacity":130,\
                "reserved_capacity":10,"sold_count":40}}
                """
        )
    }

    @Test func check() throws {
        let response = try response(.finding(.check(KnownEvent.section, quantity: 66, isAvailable: false)))
        #expect(response.body == "{\"available\":false,\"quantity\":66,\"capacity\":\(Self.section)}")
    }

    @Test func pricing() throws {
        let created = try response(.answer(.tier(KnownEvent.tier)), reply(.created))
        #expect(created.status == 201)
        #expect(created.fields["ETag"] == "\"4\"")
        let tier = """
            {"id":"\(KnownIDs.pricing)","event_id":"show","capacity_id":null,"name":"Standard","currency":"EUR",\
            "version":4,"base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08,"is_dynamic":true,\
            "min_price":null,"max_price":90.00,"current_price":null,"early_bird_price":null,\
            "early_bird_ends_at":null,"last_minute_price":null,"last_minute_starts_at":null,"group_size_min":null,\
            "group_discount_percentage":0.00,"sales_start_at":null,"sales_end_at":null,"max_per_order":null,\
            "max_per_customer":6,"is_active":true,"is_visible":true}
            """
        #expect(created.body == "{\"pricing\":\(tier)}")
        let list = try response(.finding(.tiers([KnownEvent.tier])), reply(.page(Page())))
        #expect(list.body == "{\"pricing\":[\(tier)],\"next_cursor\":null}")
    }

    @Test func calculate() throws {
        let quote = Quote(lock: KnownEvent.lock, quantity: 2)
        let response = try response(.finding(.price(KnownEvent.tier, quote)))
        #expect(
            response.body == """
                {"base_price":100.00,"service_fee":10.00,"facility_fee":5.00,"subtotal":115.00,"tax":9.20,\
                "total":124.20,"per_ticket":62.10}
                """
        )
    }

    @Test(arguments: [("JPY", "10000"), ("KWD", "10.000"), ("CLF", "1.0000"), ("EUR", "100.00")])
    func moneyHasTheCurrencysDigits(_ currency: String, _ base: String) throws {
        let quote = Quote(lock: KnownEvent.lock, quantity: 2)
        let event = KnownEvent(currency: ShortText(currency)!)
        let response = try response(.finding(.price(KnownEvent.tier, quote)), of: event)
        #expect(response.body.hasPrefix("{\"base_price\":\(base),"))
    }

    @Test func events() throws {
        func page(_ hasMore: Bool) throws -> Response {
            var writer = ResponseWriter()
            var filter = EventFilter(limit: 1)
            filter.status = .published
            filter.name = "A&B"
            let listing = EventListing(tenant: "default", filter: filter, reply: reply())
            let range = writer.write(EventPage(views: [KnownEvent.view], next: hasMore ? "show" : nil), listing)
            return try Response(writer.bytes.withBytes(in: range) { Array($0) })
        }
        let last = try page(false)
        #expect(try last.json()["next_cursor"] is NSNull)
        #expect(last.fields["Link"] == nil)
        let first = try page(true)
        let cursor = Cursor.text(after: "show")
        #expect(try first.json()["next_cursor"] as? String == cursor)
        #expect(
            first.fields["Link"] == "</api/v1/events?limit=1&status=PUBLISHED&q=A%26B&cursor=\(cursor)>; rel=\"next\""
        )
        #expect((try first.json()["events"] as! [[String: Any]])[0]["id"] as? String == "show")
    }

    @Test func whatTheClientKnowsIsNotSentAgain() throws {
        let order = KnownEvent.hold(status: .confirmed, order: KnownEvent.order())
        let findings: [Finding] = [
            .event(KnownEvent.view), .section(KnownEvent.section), .reservation(KnownEvent.hold(), at: KnownEvent.now),
            .order(order, at: KnownEvent.now),
        ]
        for finding in findings {
            let first = try response(.finding(finding))
            let tag = first.fields["ETag"]!
            let again = try response(.finding(finding), reply(known: "\"1\", \(tag)"))
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
            #expect(again.fields["ETag"] == tag)
            #expect(try response(.finding(finding), reply(known: "\"1\"")).status == 200)
        }
    }

    @Test func tagsFollowWhatIsShown() {
        let base = KnownEvent.section
        var tags: Set<UInt64> = [base.entityTag]
        let changes: [(inout SectionView) -> Void] = [
            { $0.counts.sold += 1 }, { $0.counts.reserved += 1 }, { $0.details.name = "X" },
            { $0.details.code = "X" }, { $0.details.isActive = false }, { $0.details.isVisible = false },
            { $0.details.maximumPurchase = 9 }, { $0.counts.total += 1 },
        ]
        for change in changes {
            var view = base
            change(&view)
            tags.insert(view.entityTag)
        }
        #expect(tags.count == changes.count + 1)
        let hold = KnownEvent.hold()
        #expect(hold.entityTag(at: KnownEvent.now) == hold.entityTag(at: KnownEvent.now + 1))
        #expect(hold.entityTag(at: KnownEvent.now) != hold.entityTag(at: KnownEvent.now + 900_000))
        #expect(hold.entityTag(at: 0) != KnownEvent.hold(locked: false).entityTag(at: 0))
    }
}
