package geo

import (
	"cmp"
	"math"
	"slices"
)

// Cells are squares for a degree of longitude of this length, whatever the latitude: so the original has it.
const (
	cellKm    = 0.5
	kmPerLat  = 111.0
	kmPerLon  = 85.0
	earthKm   = 6371.0
	toRadians = math.Pi / 180
)

// cell is a square of half a kilometre.
type cell struct {
	x, y int
}

func cellOf(lat, lon float64) cell {
	return cell{
		x: int(math.Floor(lon * kmPerLon / cellKm)),
		y: int(math.Floor(lat * kmPerLat / cellKm)),
	}
}

// index has the points of each cell.
type index struct {
	cells map[cell]map[string]point
}

func newIndex(points []point) *index {
	made := &index{cells: map[cell]map[string]point{}}
	for _, p := range points {
		at := cellOf(p.Lat, p.Lon)
		if made.cells[at] == nil {
			made.cells[at] = map[string]point{}
		}
		made.cells[at][p.HotelID] = p
	}
	return made
}

// nearest returns at most count points that are at most km away, nearest first. It looks in the place's own cell and then
// in ever wider square rings around it, until those had more than count points or are twice too far away.
func (i *index) nearest(lat, lon float64, count int, km float64) []point {
	centre := cellOf(lat, lon)
	found := i.appendCell(nil, centre)
	own := len(found)
	for ring := 1; float64(ring)*cellKm <= 2*km && len(found)-own <= count; ring++ {
		found = i.appendRing(found, centre, ring)
	}
	// Good enough to sort by: distances, squared, on the earth made flat around the place.
	kmPerLonHere := kmPerLat * math.Cos(lat*toRadians)
	planar := func(p point) float64 {
		north, east := (p.Lat-lat)*kmPerLat, (p.Lon-lon)*kmPerLonHere
		return north*north + east*east
	}
	slices.SortFunc(found, func(a, b point) int {
		// By id where equally far: a cell's points come in no order.
		return cmp.Or(
			cmp.Compare(planar(a), planar(b)),
			cmp.Compare(a.HotelID, b.HotelID),
		)
	})
	found = found[:min(count, len(found))]
	for n, p := range found {
		if haversine(lat, lon, p) > km {
			return found[:n]
		}
	}
	return found
}

func (i *index) appendCell(found []point, at cell) []point {
	for _, p := range i.cells[at] {
		found = append(found, p)
	}
	return found
}

// appendRing adds the points of the cells whose greater distance from the centre, across or along, is ring.
func (i *index) appendRing(found []point, centre cell, ring int) []point {
	for x := centre.x - ring; x <= centre.x+ring; x++ {
		found = i.appendCell(found, cell{x, centre.y - ring})
		found = i.appendCell(found, cell{x, centre.y + ring})
	}
	for y := centre.y - ring + 1; y < centre.y+ring; y++ {
		found = i.appendCell(found, cell{centre.x - ring, y})
		found = i.appendCell(found, cell{centre.x + ring, y})
	}
	return found
}

// haversine is the distance on the round earth in kilometres.
func haversine(lat, lon float64, p point) float64 {
	north := math.Sin((p.Lat - lat) * toRadians / 2)
	east := math.Sin((p.Lon - lon) * toRadians / 2)
	a := north*north + east*east*math.Cos(lat*toRadians)*math.Cos(p.Lat*toRadians)
	return 2 * earthKm * math.Asin(math.Sqrt(a))
}
