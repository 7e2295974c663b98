using System.Text.Json;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Tests;

public sealed class EnumNameTests
{
    [Fact]
    public void Names_are_those_of_the_json_serializer()
    {
        Check<KeyGrain>();
        Check<ModelFamily>();
        Check<AttentionVariant>();
        Check<CompressionMethod>();

        static void Check<T>() where T : struct, Enum
        {
            Assert.Equal(Enum.GetValues<T>().Select(v => JsonSerializer.SerializeToElement(v).GetString()),
                EnumName.AllOf<T>());
            Assert.All(Enum.GetValues<T>(), v => Assert.Equal(v, EnumName.Read<T>(EnumName.Of(v))));
        }
    }

    [Fact]
    public void An_unknown_name_is_refused_with_the_known_ones()
    {
        var e = Assert.Throws<CrossheadException>(() => EnumName.Read<KeyGrain>("heads"));
        Assert.StartsWith("\"heads\" is unknown; did you mean \"head\"?", e.Message, StringComparison.Ordinal);
    }
}
