namespace DistFS.Primitives;

/// <summary>
/// The arithmetic behind <see cref="Crc32C"/>: a checksum is a polynomial over GF(2) modulo the Castagnoli
/// polynomial, and appending zero bytes multiplies it by a power of x. Everything is in reflected bit order, and on
/// the raw register, without the inversions at start and end.
/// </summary>
internal static class Crc32CTables
{
    private const uint ReflectedPolynomial = 0x82F63B78;

    /// <summary>Slicing by 8: table k advances one byte over k further zero bytes; 8 x 256 entries.</summary>
    public static readonly uint[] Slicing = BuildSlicing();

    /// <summary>Four tables of 256 entries that advance a register over <paramref name="length"/> zero bytes.</summary>
    public static uint[] ZerosOperator(long length)
    {
        var factor = PowerOfX(8 * length);
        var table = new uint[4 * 256];
        for (var k = 0; k < 4; k++)
        {
            for (uint value = 0; value < 256; value++)
            {
                table[(k * 256) + value] = Multiply(factor, value << (8 * k));
            }
        }

        return table;
    }

    /// <summary>Advances a register with tables from <see cref="ZerosOperator"/>.</summary>
    public static uint Apply(uint[] table, uint crc) =>
        table[(byte)crc]
        ^ table[256 + (byte)(crc >> 8)]
        ^ table[512 + (byte)(crc >> 16)]
        ^ table[768 + (byte)(crc >> 24)];

    /// <summary>Advances a register over any number of zero bytes.</summary>
    public static uint Advance(uint crc, long length) => Multiply(PowerOfX(8 * length), crc);

    /// <summary>a times b modulo the polynomial; bit 31 is the coefficient of x^0.</summary>
    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (var bit = 0x80000000u; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0)
            {
                product ^= b;
            }

            b = (b & 1) != 0 ? (b >> 1) ^ ReflectedPolynomial : b >> 1;
        }

        return product;
    }

    /// <summary>x to the power <paramref name="exponent"/>, by repeated squaring.</summary>
    private static uint PowerOfX(long exponent)
    {
        var result = 0x80000000u;
        for (var square = 0x40000000u; exponent > 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0)
            {
                result = Multiply(result, square);
            }

            square = Multiply(square, square);
        }

        return result;
    }

    private static uint[] BuildSlicing()
    {
        var table = new uint[8 * 256];
        for (uint value = 0; value < 256; value++)
        {
            var crc = value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ ReflectedPolynomial : crc >> 1;
            }

            table[value] = crc;
        }

        for (var k = 1; k < 8; k++)
        {
            for (var value = 0; value < 256; value++)
            {
                var previous = table[((k - 1) * 256) + value];
                table[(k * 256) + value] = table[(byte)previous] ^ (previous >> 8);
            }
        }

        return table;
    }
}
