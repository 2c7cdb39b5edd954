namespace DistFS.Primitives.Tests;

public sealed class PrngTests
{
    /// <summary>
    /// The reference implementation (prng.di.unimi.it/xoshiro256starstar.c) from the state 1, 2, 3, 4.
    /// </summary>
    [Fact]
    public void Follows_the_reference_implementation()
    {
        var random = Prng.FromState(1, 2, 3, 4);
        ulong[] expected =
        [
            11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600, 16172922978634559625,
            8476171486693032832, 10595114339597558777, 2904607092377533576,
        ];
        Assert.Equal(expected, expected.Select(_ => random.NextUInt64()));
    }

    /// <summary>
    /// SplitMix64 from 0 begins with 0xE220A8397B1DCDAF: the seeding, and so every replay, rests on it.
    /// </summary>
    [Fact]
    public void Seeds_through_SplitMix64()
    {
        var expected = Prng.FromState(0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC);
        var random = new Prng(0);
        Assert.Equal(expected.NextUInt64(), random.NextUInt64());
        Assert.Equal(expected.NextUInt64(), random.NextUInt64());
    }

    /// <summary>The numbers were computed by another implementation (big integers, in Python).</summary>
    [Fact]
    public void A_seed_gives_the_same_for_ever()
    {
        var random = new Prng(42);
        var seen = new[]
        {
            random.NextUInt64(),
            random.NextBelow(1_000_000),
            (ulong)random.NextInt32(-50, 50),
            BitConverter.DoubleToUInt64Bits(random.NextDouble()),
            random.Chance(0.5) ? 1UL : 0,
            random.Fork().NextUInt64(),
            random.NextUInt64(),
        };
        Assert.Equal(
            "15780b2e0c2ec716 5c864 12 3fed9715a8e0766c 0 8e6912832670b9f1 b82154855a65ddb2",
            string.Join(' ', seen.Select(value => value.ToString("x", null))));
    }

    [Fact]
    public void Fill_is_the_sequence_in_little_endian()
    {
        var bytes = new byte[19];
        new Prng(7).Fill(bytes);
        var random = new Prng(7);
        byte[] expected = [.. Enumerable.Range(0, 3).SelectMany(_ => BitConverter.GetBytes(random.NextUInt64()))];
        Assert.Equal(expected[..19], bytes);
    }

    [Fact]
    public void A_state_of_zeros_is_refused() => Assert.Throws<ArgumentException>(() => Prng.FromState(0, 0, 0, 0));

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    [InlineData(1000UL)]
    [InlineData((1UL << 63) + 1)]
    [InlineData(ulong.MaxValue)]
    public void NextBelow_keeps_its_bound(ulong bound)
    {
        var random = new Prng(bound);
        for (var i = 0; i < 10_000; i++)
        {
            Assert.True(random.NextBelow(bound) < bound);
        }
    }

    [Fact]
    public void Ranges_are_checked()
    {
        var random = new Prng(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextBelow(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt32(5, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt32(0));
        var seen = Enumerable.Range(0, 1000).Select(_ => random.NextInt32(int.MinValue, int.MaxValue)).ToArray();
        Assert.Contains(seen, value => value < 0);
        Assert.Contains(seen, value => value > 0);
    }

    [Theory]
    [InlineData(6, 20.52)]
    [InlineData(100, 148.23)]
    public void NextBelow_has_no_bias(int bound, double critical)
    {
        // Chi-square at p = 0.001 with bound - 1 degrees of freedom; the seed is fixed, so it holds for ever.
        const int Draws = 600_000;
        var random = new Prng(11);
        var counts = new int[bound];
        for (var i = 0; i < Draws; i++)
        {
            counts[random.NextBelow((ulong)bound)]++;
        }

        var expected = Draws / (double)bound;
        Assert.InRange(counts.Sum(count => (count - expected) * (count - expected) / expected), 0, critical);
    }

    [Fact]
    public void NextBelow_has_no_bias_where_a_remainder_would_have()
    {
        // With 3/4 of 2^64 as the bound, a remainder would hit the lower third twice as often.
        const int Draws = 300_000;
        var random = new Prng(12);
        var third = 1UL << 62;
        var low = Enumerable.Range(0, Draws).Count(_ => random.NextBelow(3 * third) < third);
        Assert.InRange(low, (Draws / 3) - 1500, (Draws / 3) + 1500);
    }

    [Fact]
    public void NextDouble_is_below_one_and_even()
    {
        var random = new Prng(13);
        var values = Enumerable.Range(0, 100_000).Select(_ => random.NextDouble()).ToArray();
        Assert.All(values, value => Assert.InRange(value, 0, 1 - (1.0 / (1UL << 53))));
        Assert.InRange(values.Average(), 0.495, 0.505);
    }

    [Fact]
    public void Chance_0_is_never_and_1_always()
    {
        var random = new Prng(14);
        Assert.DoesNotContain(Enumerable.Range(0, 10_000), _ => random.Chance(0));
        Assert.All(Enumerable.Range(0, 10_000), _ => Assert.True(random.Chance(1)));
    }

    [Fact]
    public void Shuffle_gives_each_permutation_equally_often()
    {
        var random = new Prng(15);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < 24_000; i++)
        {
            var items = "abcd".ToCharArray();
            random.Shuffle<char>(items);
            counts[new string(items)] = counts.GetValueOrDefault(new string(items)) + 1;
        }

        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 850, 1150));
        Assert.All(counts.Keys, key => Assert.Equal("abcd", string.Concat(key.Order())));
    }

    [Fact]
    public void A_fork_does_not_depend_on_what_its_parent_draws_later()
    {
        Prng first = new(16), second = new(16);
        var fork = first.Fork();
        _ = first.NextUInt64();
        Assert.Equal(second.Fork().NextUInt64(), fork.NextUInt64());
    }
}
