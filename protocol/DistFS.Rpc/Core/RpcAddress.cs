using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DistFS.Primitives;

namespace DistFS.Rpc;

/// <summary>
/// Where a process listens: "host:port", "[2001:db8::1]:port" or "unix:/path/of/socket". Names are resolved when a
/// connection is made.
/// </summary>
public sealed record RpcAddress
{
    private const string UnixPrefix = "unix:";

    private RpcAddress(string? host, int port, string? path) => (Host, Port, Path) = (host, port, path);

    /// <summary>A name or a literal address; null for a Unix socket.</summary>
    public string? Host { get; }

    /// <summary>1 to 65535, or 0 for "any free port" where somebody listens.</summary>
    public int Port { get; }

    /// <summary>Of a Unix socket; else null.</summary>
    public string? Path { get; }

    /// <summary>A TCP address; an IPv6 literal may come with or without brackets.</summary>
    public static RpcAddress Tcp(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Parse(host.Contains(':', StringComparison.Ordinal) && !host.StartsWith('[')
            ? $"[{host}]:{port}"
            : $"{host}:{port}");
    }

    /// <summary>A Unix socket.</summary>
    public static RpcAddress Unix(string path) => Parse(UnixPrefix + path);

    /// <summary>Reads an address.</summary>
    /// <exception cref="RpcException">Code <see cref="ErrorCatalog.Configuration"/>.</exception>
    public static RpcAddress Parse(string text) => TryParse(text, out var address)
        ? address
        : throw new RpcException(
            ErrorCatalog.Configuration, $"'{text}' is no address; write host:port, [ipv6]:port or unix:/path.");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(string text, [NotNullWhen(true)] out RpcAddress? address)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        if (text.StartsWith(UnixPrefix, StringComparison.Ordinal))
        {
            var path = text[UnixPrefix.Length..];

            // The kernel's limit for sun_path, with its terminating zero.
            if (Encoding.UTF8.GetByteCount(path) is > 0 and < 108 && !path.Contains('\0', StringComparison.Ordinal))
            {
                address = new RpcAddress(null, 0, path);
            }

            return address != null;
        }

        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port > IPEndPoint.MaxPort)
        {
            return false;
        }

        var host = text[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
        {
            host = host[1..^1];
        }

        // An IPv6 address without brackets would take its last group for the port.
        var kind = Uri.CheckHostName(host);
        if (kind == UriHostNameType.Unknown || (kind == UriHostNameType.IPv6) != bracketed)
        {
            return false;
        }

        address = new RpcAddress(host, port, null);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Path != null ? UnixPrefix + Path
        : Host!.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    internal Socket CreateSocket() => Path != null
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(SocketType.Stream, ProtocolType.Tcp);

    internal EndPoint ToEndPoint() => Path != null ? new UnixDomainSocketEndPoint(Path)
        : IPAddress.TryParse(Host, out var literal) ? new IPEndPoint(literal, Port)
        : new DnsEndPoint(Host!, Port);
}
