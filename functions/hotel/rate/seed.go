package rate

import (
	"vswarm/function/hotels"
	pb "vswarm/protos/rate"
)

// plan is a document of rate-db.inventory: its fields are those of the message in lower case, as MongoDB's driver has them.
type plan struct {
	HotelID  string   `json:"hotelid"`
	Code     string   `json:"code"`
	InDate   string   `json:"indate"`
	OutDate  string   `json:"outdate"`
	RoomType roomType `json:"roomtype"`
}

type roomType struct {
	BookableRate       float64 `json:"bookablerate"`
	TotalRate          float64 `json:"totalrate"`
	TotalRateInclusive float64 `json:"totalrateinclusive"`
	Code               string  `json:"code"`
	Currency           string  `json:"currency"`
	RoomDescription    string  `json:"roomdescription"`
}

func (p plan) message() *pb.RatePlan {
	return &pb.RatePlan{
		HotelId: p.HotelID,
		Code:    p.Code,
		InDate:  p.InDate,
		OutDate: p.OutDate,
		RoomType: &pb.RoomType{
			BookableRate:       p.RoomType.BookableRate,
			TotalRate:          p.RoomType.TotalRate,
			TotalRateInclusive: p.RoomType.TotalRateInclusive,
			Code:               p.RoomType.Code,
			Currency:           p.RoomType.Currency,
			RoomDescription:    p.RoomType.RoomDescription,
		},
	}
}

const (
	firstDay  = "2015-04-09"
	secondDay = "2015-04-10"
	// Where the plans of hotels after the third end.
	evenDay = "2015-04-17"
	oddDay  = "2015-04-24"
)

// seed returns 27 plans: of the first three hotels, and of every third from 9 to 78.
func seed() []plan {
	king := roomType{Code: "KNG", RoomDescription: "King sized bed"}
	queen := roomType{Code: "QN", RoomDescription: "Queen sized bed"}
	plans := []plan{
		newPlan(1, secondDay, king, hotels.Price{Total: 109, Inclusive: 123.17}),
		newPlan(2, secondDay, queen, hotels.Price{Total: 139, Inclusive: 153.09}),
		newPlan(3, secondDay, king, hotels.Price{Total: 109, Inclusive: 123.17}),
	}
	for number := 9; number < hotels.Count; number += 3 {
		end := oddDay
		if number%2 == 0 {
			end = evenDay
		}
		plans = append(plans, newPlan(number, end, king, hotels.PriceOf(number)))
	}
	return plans
}

// newPlan leaves the currency empty, as the original does.
func newPlan(number int, end string, room roomType, price hotels.Price) plan {
	room.BookableRate, room.TotalRate, room.TotalRateInclusive = price.Total, price.Total, price.Inclusive
	return plan{HotelID: hotels.ID(number), Code: "RACK", InDate: firstDay, OutDate: end, RoomType: room}
}
