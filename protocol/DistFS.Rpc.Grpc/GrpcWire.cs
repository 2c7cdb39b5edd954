using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Rpc.Grpc;

/// <summary>The pieces of "gRPC over HTTP2" (grpc/grpc, doc/PROTOCOL-HTTP2.md) that server and client share.</summary>
internal static class GrpcWire
{
    public const string ContentType = "application/grpc";
    public const string StatusHeader = "grpc-status";
    public const string MessageHeader = "grpc-message";
    public const string TimeoutHeader = "grpc-timeout";
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptEncodingHeader = "grpc-accept-encoding";
    public const string Identity = "identity";

    /// <summary>Our stable code, "DFS1203".</summary>
    public const string CodeHeader = "distfs-code";

    /// <summary>The whole ErrorInfo, base64 as every "-bin" header.</summary>
    public const string ErrorHeader = "distfs-error-bin";

    /// <summary>W3C Trace Context.</summary>
    public const string TraceHeader = "traceparent";

    /// <summary>In front of every message: u8 compressed, u32 length, big-endian.</summary>
    public const int PrefixSize = 5;

    /// <summary>Writes a message with its prefix.</summary>
    public static void WriteMessage(IBufferWriter<byte> writer, IMessage message)
    {
        var length = message.CalculateSize();
        var prefix = writer.GetSpan(PrefixSize);
        prefix[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)length);
        writer.Advance(PrefixSize);
        message.WriteTo(writer);
    }

    /// <summary>Reads a prefix; the length is not yet compared with any limit.</summary>
    public static (bool Compressed, uint Length) ReadPrefix(ReadOnlySequence<byte> source)
    {
        Span<byte> prefix = stackalloc byte[PrefixSize];
        source.Slice(0, PrefixSize).CopyTo(prefix);
        return (prefix[0] != 0, BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }

    /// <summary>At most eight digits and a unit.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        var microseconds = Math.Max(1, timeout.Ticks / TimeSpan.TicksPerMicrosecond);
        (long Value, char Unit)[] scales =
        [
            (microseconds, 'u'),
            (microseconds / 1000, 'm'),
            (microseconds / 1_000_000, 'S'),
            (microseconds / 60_000_000, 'M'),
            (microseconds / 3_600_000_000, 'H'),
        ];
        foreach (var (value, unit) in scales)
        {
            if (value < 100_000_000)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
            }
        }

        return "99999999H";
    }

    /// <summary>False for what is no timeout; an absent header is not asked for.</summary>
    public static bool TryParseTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9
            || !long.TryParse(
                text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        var ticks = text[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => -1,
        };
        if (ticks < 0)
        {
            return false;
        }

        // 99,999,999 hours are within a TimeSpan; a nanosecond is below its tick of 100 ns.
        timeout = ticks == 0 ? new TimeSpan(value / TimeSpan.NanosecondsPerTick) : new TimeSpan(value * ticks);
        return true;
    }

    /// <summary>Percent-encodes what is not printable ASCII, and the percent sign.</summary>
    public static string EncodeMessage(string message)
    {
        var encoded = new StringBuilder(message.Length);
        foreach (var value in Encoding.UTF8.GetBytes(message))
        {
            if (value is >= 0x20 and <= 0x7E and not (byte)'%')
            {
                encoded.Append((char)value);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }

        return encoded.ToString();
    }

    public static string DecodeMessage(string message) => Uri.UnescapeDataString(message);

    /// <summary>The value of <see cref="ErrorHeader"/>; false for what no server of ours sends.</summary>
    public static bool TryDecodeError(string base64, [NotNullWhen(true)] out ErrorInfo? info)
    {
        info = null;
        try
        {
            info = ErrorInfo.Parser.ParseFrom(
                Convert.FromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '=')));
            return true;
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            return false;
        }
    }

    /// <summary>"00-(32 digits)-(16 digits)-(2 digits)"; zero for anything else.</summary>
    public static TraceId ParseTrace(string? text) =>
        text is { Length: >= 55 } && text[2] == '-' && text[35] == '-'
        && ulong.TryParse(
            text.AsSpan(3, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
        && ulong.TryParse(
            text.AsSpan(19, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)
            ? new TraceId(high, low)
            : default;
}
