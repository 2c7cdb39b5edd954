using System.Buffers.Binary;
using System.Diagnostics;

namespace DistFS.Rpc;

/// <summary>128 bits that follow a request through all processes (W3C Trace Context, trace-id). Zero: none.</summary>
public readonly record struct TraceId(ulong High, ulong Low)
{
    /// <summary>The trace of the current <see cref="Activity"/>; zero without one.</summary>
    public static TraceId Current
    {
        get
        {
            var activity = Activity.Current;
            if (activity == null || activity.IdFormat != ActivityIdFormat.W3C)
            {
                return default;
            }

            Span<byte> bytes = stackalloc byte[16];
            activity.TraceId.CopyTo(bytes);
            return new TraceId(
                BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        }
    }

    /// <summary>Whether nobody traces.</summary>
    public bool IsNone => (High | Low) == 0;

    /// <summary>32 lower-case hexadecimal digits, as in a traceparent header.</summary>
    public override string ToString() => $"{High:x16}{Low:x16}";
}
