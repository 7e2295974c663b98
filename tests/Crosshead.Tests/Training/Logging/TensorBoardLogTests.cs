using System.Buffers.Binary;
using System.Text;
using Crosshead.Training.Logging;

namespace Crosshead.Tests.Training.Logging;

public sealed class TensorBoardLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crosshead-events").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Vectors of RFC 3720, appendix B.4, and the usual check string.
    [Fact]
    public void Checksums_agree_with_the_published_vectors()
    {
        Assert.Equal(0x8a9136aau, TensorBoardEvent.Crc32C(new byte[32]));
        Assert.Equal(0x62a8ab43u, TensorBoardEvent.Crc32C([.. Enumerable.Repeat((byte)0xff, 32)]));
        Assert.Equal(0x46dd794eu, TensorBoardEvent.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0xe3069283u, TensorBoardEvent.Crc32C("123456789"u8));
        Assert.Equal(0x00000000u, TensorBoardEvent.Crc32C([]));
        Assert.Equal(0xa282ead8u, TensorBoardEvent.Mask(0));
    }

    [Fact]
    public void A_file_is_read_back_by_an_independent_reader()
    {
        var record = JsonLinesLogTests.Record(300, loss: 2.25);
        using (var log = new TensorBoardLog(_folder))
        {
            log.Write(record);
            log.Write(
                record with { Step = 301, HeldOutLoss = 2.5, ShareOfPeak = 0.5, Spike = true, Loss = double.NaN });
        }
        var events = ReadEvents(Assert.Single(Directory.GetFiles(_folder)));
        Assert.Equal(3, events.Count);
        Assert.Equal("brain.Event:2", Encoding.UTF8.GetString(events[0].Single(f => f.Number == 3).Content));

        Assert.Equal(record.Time.ToUnixTimeSeconds(),
            BitConverter.ToDouble(events[1].Single(f => f.Number == 1).Content));
        Assert.Equal(300ul, events[1].Single(f => f.Number == 2).Value);
        var first = Scalars(events[1]);
        Assert.Equal(["loss/train", "optimizer/learning-rate", "optimizer/gradient-norm", "speed/tokens-per-second"],
            first.Keys);
        Assert.Equal(2.25f, first["loss/train"]);
        Assert.Equal(3e-4f, first["optimizer/learning-rate"]);

        var second = Scalars(events[2]);
        Assert.Equal(2.5f, second["loss/held-out"]);
        Assert.Equal(0.5f, second["speed/share-of-peak"]);
        Assert.True(float.IsNaN(second["loss/train"]) && float.IsNaN(second["loss/spike"]));
    }

    [Fact]
    public void A_resumed_run_writes_a_later_file_that_voids_the_steps_after()
    {
        using (var log = new TensorBoardLog(_folder, clock: TimeProvider.System))
            log.Write(JsonLinesLogTests.Record(9));
        using (var log = new TensorBoardLog(_folder, resumedStep: 5)) log.Write(JsonLinesLogTests.Record(6));
        var files = Directory.GetFiles(_folder).Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(2, files.Length);
        var restart = ReadEvents(files[1])[1];
        Assert.Equal(6ul, restart.Single(f => f.Number == 2).Value);
        var session = Fields(restart.Single(f => f.Number == 7).Content).Single();
        Assert.Equal((1, 1ul), (session.Number, session.Value));
    }

    [Fact]
    public void A_file_in_the_way_is_told_in_one_line()
    {
        var path = Path.Combine(_folder, "occupied");
        File.WriteAllText(path, "");
        Assert.Contains(path, Assert.Throws<CrossheadException>(() => new TensorBoardLog(path)).Message,
            StringComparison.Ordinal);
    }

    private sealed record Field(int Number, ulong Value, byte[] Content);

    private static List<List<Field>> ReadEvents(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var events = new List<List<Field>>();
        var at = 0;
        while (at < bytes.Length)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(Masked(bytes[at..(at + 8)]), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var message = bytes[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(message), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            events.Add(Fields(message));
            at += 16 + length;
        }
        return events;
    }

    // Bit by bit, sharing nothing with the writer.
    private static uint Masked(byte[] bytes)
    {
        var crc = 0xffffffffu;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
        }
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    }

    private static List<Field> Fields(byte[] message)
    {
        var fields = new List<Field>();
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message, ref at);
            var (value, length) = (key & 7) switch
            {
                0 => (Varint(message, ref at), 0),
                1 => (0ul, 8),
                2 => (0ul, (int)Varint(message, ref at)),
                5 => (0ul, 4),
                _ => throw new InvalidDataException(),
            };
            fields.Add(new Field((int)(key >> 3), value, message[at..(at + length)]));
            at += length;
        }
        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0ul;
        for (var shift = 0; ; shift += 7)
        {
            var b = message[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
    }

    private static Dictionary<string, float> Scalars(List<Field> @event) =>
        Fields(@event.Single(f => f.Number == 5).Content).Select(v => Fields(v.Content)).ToDictionary(
            v => Encoding.UTF8.GetString(v.Single(f => f.Number == 1).Content),
            v => BitConverter.ToSingle(v.Single(f => f.Number == 2).Content));
}
