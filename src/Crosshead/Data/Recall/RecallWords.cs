namespace Crosshead.Data.Recall;

/// <summary>Short English nouns, of which recall texts are made.</summary>
internal static class RecallWords
{
    /// <summary>How many words there are.</summary>
    public const int Count = 302;

    private const string Nouns =
        "apple arrow badge baker banjo basin beach berry birch blade bloom board bowl brain branch bread "
        + "brick bridge broom brush bucket butter cabin cable camel candle canoe canyon carpet castle cedar "
        + "chain chair chalk cherry chest circle cliff clock cloud coast coffee coin copper coral corner cotton "
        + "couch cradle crane crown cup curtain daisy desert desk diamond dish dragon drum eagle earth elbow "
        + "engine falcon feather fence field finger flag flame flute forest fork fox frame garden gate ghost "
        + "giant glass globe glove gold grape grass guitar hammer harbor harp hat hazel helmet hill honey horn "
        + "horse hotel house island ivory jacket jar jelly jewel juice jungle kettle key king kitchen kite "
        + "knife ladder lake lamp lantern leaf leather lemon letter library light lily lion lizard lobby magnet "
        + "mango map maple marble market mask meadow melon metal mill mirror moon moss motor mountain mouse "
        + "museum nail napkin needle nest night north novel nut oak ocean olive onion orange orchid organ otter "
        + "oven owl oyster paint palace palm panda paper park parrot path peach pearl pebble pencil pepper "
        + "piano pillow pilot pine pipe planet plate plum pocket poem pond pony poppy potato prince pumpkin "
        + "puzzle queen quilt rabbit radio rail rain raven ribbon rice ring river road robin rocket roof root "
        + "rope rose ruby saddle salad salt sand scarf school seal seed shadow shark sheep shelf shell ship "
        + "shirt shoe shop silk silver sister sky slope smoke snail snow soap sock sofa south spider spoon "
        + "spring square stable stair star station steam steel stone storm stove straw street sugar summer sun "
        + "swan sword table tail temple tent tiger timber toast tomato tower train tree trout trumpet tulip "
        + "tunnel turtle valley velvet village violin voice wagon wall walnut water wave well whale wheat wheel "
        + "whistle willow window wing winter wolf wood wool yard zebra";

    /// <summary>The words, each once. Their order is a part of the tasks.</summary>
    public static readonly string[] All = Nouns.Split(' ');
}
