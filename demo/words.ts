// What the shop is made of. The names are our own and of no dictionary: a raw value that turned up in the twin could otherwise
// be a pseudonym that happens to be somebody's name, and the demo could not tell a leak from chance.

export const firstNames = list(`
  Aldwenna Brisolde Corvane Dorrimund Elowisa Fennorah Gwendric Hallowyn Isemaude Jorvella Kestrelle
  Lindorien Marivane Norwinna Osgarth Perrowyn Quillane Rosmerta Sigwella Tamsonne Ulvarric Vesparine
  Wilfreda Yvorenne Zenobrin Ambrosel Beringild Cressaly Dunstana Ethelwyra Florimont Godrinna
`);

export const surnameBeginnings = list(`
  Amber Bracken Candle Dusk Elder Fallow Gorse Heather Iron Juniper Kettle Lantern Marsh Nettle Otter
  Pepper Quarry Russet Saffron Thistle Umber Velvet Willow Yarrow
`);
export const surnameEndings = list(
  'barrow cleugh dyke fennel garth holme kirk lathe mantle nook penny quill rigg shawl thwaite wold',
);

export const streetBeginnings = list(`
  Baxterkiln Cobblemire Drapersgate Ferrymoss Gablewynd Hopkilns Inkhorn Jettystone Larkspinney
  Millrace Oastfield Potterslade Ropewalk Sextonhill Tollbooth Weaversrest
`);
export const streetEndings = list('Row Steps Wynd Gate Yard Rise');
export const cities = [
  'Harrowmouth',
  'Saltmarket',
  'Ninebridges',
  'Upper Dell',
  'Windlestow',
  'Castlebury',
  'Port Orrin',
  'Graywick',
];

export const materials = list('oak linen copper stoneware felt cork slate willow');
export const wares = list('teapot lamp notebook stool blanket clock basket apron kite birdhouse jug chessboard');
export const phrases = [
  'made by hand in small numbers',
  'finished with natural oil',
  'ships in a cotton bag',
  'comes with a card of care',
  'each piece differs a little from the next',
  'will last for many years',
  'may be returned within thirty days',
  'goes well with the rest of the range',
  'repaired free of charge',
  'stands in many a kitchen of the region',
];

export const notes = [
  'rings the workshop before every order, ask for',
  'is in hospital until spring, deliver to',
  'pays late since the divorce from',
  'allergic to walnut oil, told us so through',
  'wants no parcels left with the neighbour',
  'complained twice about',
];
export const wishes = [
  'Happy birthday, dear',
  'With love from all of us to',
  'Get well soon,',
  'Forgive me,',
  'To the bride and groom, from',
];

function list(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
