using DistFS.Metadata.Store;

namespace DistFS.Metadata.Tests.Store;

/// <summary>
/// The vectors of Aumasson and Bernstein's reference code: key 00..0f, messages of 0, 1, 2, ... bytes.
/// </summary>
public sealed class SipHashTests
{
    private static readonly UInt128 Key = new(0x0f0e0d0c0b0a0908, 0x0706050403020100);

    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(2, 0x0d6c8009d9a94f5a)]
    [InlineData(3, 0x85676696d7fb7e2d)]
    [InlineData(7, 0xab0200f58b01d137)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void The_reference_vectors(int length, ulong expected) =>
        Assert.Equal(expected, SipHash.Compute(Key, Enumerable.Range(0, length).Select(i => (byte)i).ToArray()));
}
