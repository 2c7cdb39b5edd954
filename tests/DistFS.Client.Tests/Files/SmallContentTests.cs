using DistFS.Client.Files;

namespace DistFS.Client.Tests.Files;

/// <summary>Content that stands in the metadata, against an array.</summary>
public sealed class SmallContentTests
{
    [Fact]
    public void What_is_sent_makes_the_metadata_equal()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var known = new byte[random.Next(SmallContent.BytesMax)];
            random.NextBytes(known);
            var small = new SmallContent(known, known.Length);
            var (model, sent) = (known, known);
            for (var step = 0; step < 20; step++)
            {
                if (random.Next(4) == 0)
                {
                    var length = random.Next(SmallContent.BytesMax + 1);
                    Send(small, ref sent);
                    Assert.True(small.TrySetLength(length));
                    Array.Resize(ref model, length);
                    Array.Resize(ref sent, length);
                    continue;
                }

                var bytes = new byte[random.Next(1, 500)];
                random.NextBytes(bytes);
                var at = random.Next(SmallContent.BytesMax);
                var fits = at + bytes.Length <= SmallContent.BytesMax;
                Assert.Equal(fits, small.TryWrite(at, bytes));
                if (fits)
                {
                    Array.Resize(ref model, Math.Max(model.Length, at + bytes.Length));
                    bytes.CopyTo(model, at);
                }

                Assert.Equal(model, small.Content.ToArray());
            }

            Send(small, ref sent);
            Assert.False(small.IsChanged);
            Assert.Equal(model, sent);
        }
    }

    [Fact]
    public void Only_what_was_written_is_sent()
    {
        var small = new SmallContent(new byte[1000], 1000);
        Assert.True(small.TryWrite(500, [1]));
        Assert.True(small.TryWrite(100, new byte[10]));
        Assert.True(small.TryWrite(110, new byte[5]));
        Assert.True(small.TryWrite(95, new byte[5]));
        Assert.True(small.TryWrite(SmallContent.BytesMax, []));
        Assert.Equal([(95, 20), (500, 1)], small.Changed.Select(static one => (one.Offset, one.Bytes.Length)));
        Assert.Equal(1000, small.Length);
        Assert.True(small.TryWrite(114, new byte[400]));
        Assert.Equal([(95, 419)], small.Changed.Select(static one => (one.Offset, one.Bytes.Length)));
    }

    private static void Send(SmallContent small, ref byte[] sent)
    {
        // As the metadata takes it: bytes at an offset, zeros before it if the file was shorter.
        foreach (var (offset, bytes) in small.Changed)
        {
            Array.Resize(ref sent, Math.Max(sent.Length, offset + bytes.Length));
            bytes.CopyTo(sent.AsMemory(offset));
        }

        small.Sent();
    }
}
