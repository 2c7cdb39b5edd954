using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>TLS and Unix sockets, and what is at the other end of the wrong one.</summary>
public sealed class TransportTests : IDisposable
{
    private static readonly FrameOptions Quick = RpcWorld.Quick;
    private readonly X509Certificate2 _certificate = SelfSigned();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dfs-rpc-");

    [Fact]
    public async Task Calls_go_over_TLS()
    {
        await using var world = new RpcWorld(Tls());
        var channel = world.Channel(new FrameChannelOptions { Tls = Trusting() });
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            channel.EchoBytesAsync(ConformanceService.Content.AsMemory(0, 100_000 * i))));
        Assert.Equal("tls", channel.Peer?.Transport);
    }

    [Fact]
    public async Task TLS_connections_are_cut_in_the_middle_without_a_leak()
    {
        // SslStream met its disposal with an InvalidOperationException in one of some hundred rounds.
        for (var round = 0; round < 60; round++)
        {
            await using var world = new RpcWorld(Tls());
            var channel = world.Channel(new FrameChannelOptions { Tls = Trusting() });
            await channel.EchoAsync(1);
            var calls = Enumerable.Range(0, 8).Select(_ => channel.SourceAsync(2 << 20)).ToArray();
            await Eventually.True(() => world.Service.Handled > 2);
            await (round % 2 == 0 ? world.Server.DisposeAsync() : channel.DisposeAsync());
            foreach (var call in calls)
            {
                try
                {
                    await call.Soon();
                }
                catch (RpcException)
                {
                    // Cut.
                }
            }
        }
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_a_typed_error()
    {
        await using var world = new RpcWorld(Tls());
        var channel = world.Channel(
            new FrameChannelOptions { Tls = new SslClientAuthenticationOptions { TargetHost = "distfs" } });
        var error = await Eventually.Fails(ErrorCatalog.NotDistFs, () => channel.EchoAsync(1));
        Assert.Contains("TLS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plain_client_of_a_TLS_server_gets_a_typed_error()
    {
        await using var world = new RpcWorld(Tls());
        var channel = world.Channel(new FrameChannelOptions
        {
            Frames = Quick,
            RetryDelay = TimeSpan.FromSeconds(30),
            RetryDelayMax = TimeSpan.FromSeconds(30),
        });
        var error = await Eventually.Fails(() => channel.EchoAsync(1));
        Assert.Contains(error.Code, new[] { ErrorCatalog.NotDistFs, ErrorCatalog.ConnectionLost });
        await Eventually.True(
            () => world.Log.Lines.Any(line => line.Contains("before its handshake", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_TLS_client_of_a_plain_server_gets_a_typed_error()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(Quick));
        var channel = world.Channel(new FrameChannelOptions { Tls = Trusting(), Frames = Quick });
        await Eventually.Fails(ErrorCatalog.NotDistFs, () => channel.EchoAsync(1));
        await Eventually.True(() => world.Log.Lines.Any(line => line.Contains("DFS1202", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_client_that_connects_and_starts_no_TLS_is_ended()
    {
        await using var world = new RpcWorld(Tls());
        using var idle = await RawPeer.ConnectAsync(world.Address);
        await Eventually.True(() => world.Server.ConnectionCount == 1);
        await world.AssertIdle();
    }

    [Fact]
    public async Task Calls_go_over_a_Unix_socket_and_its_file_is_removed()
    {
        var address = RpcAddress.Unix(Path.Combine(_folder.FullName, "s"));
        await using (var world = new RpcWorld(new FrameServerOptions { Listen = [address] }))
        {
            var channel = world.Channel();
            await channel.EchoBytesAsync(ConformanceService.Content.AsMemory(0, 1 << 20));
            Assert.Equal("unix", channel.Peer?.Transport);
            var error = Assert.Throws<RpcException>(
                () => FrameServer.Start(new RpcDispatcher(), new FrameServerOptions { Listen = [address] }));
            Assert.Equal(ErrorCatalog.ListenFailed, error.Code);
            Assert.Equal(3UL, await channel.EchoAsync(3));
        }

        Assert.False(File.Exists(address.Path));
    }

    [Fact]
    public async Task The_socket_file_of_a_killed_server_is_replaced()
    {
        var address = RpcAddress.Unix(Path.Combine(_folder.FullName, "dead"));
        var killed = address.CreateSocket();
        killed.Bind(address.ToEndPoint());
        killed.Listen();

        // Unlike a server that ends, a killed one leaves the file.
        File.Move(address.Path!, address.Path + ".kept");
        killed.Dispose();
        File.Move(address.Path + ".kept", address.Path!);

        await using var world = new RpcWorld(new FrameServerOptions { Listen = [address] });
        Assert.Equal(3UL, await world.Channel().EchoAsync(3));
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        var path = Path.Combine(_folder.FullName, "precious");
        File.WriteAllText(path, "data");
        var error = Assert.Throws<RpcException>(
            () => FrameServer.Start(new RpcDispatcher(), new FrameServerOptions { Listen = [RpcAddress.Unix(path)] }));
        Assert.Equal(ErrorCatalog.ListenFailed, error.Code);
        Assert.Equal("data", File.ReadAllText(path));
    }

    [Fact]
    public async Task A_port_in_use_is_a_typed_error()
    {
        await using var world = new RpcWorld();
        var error = Assert.Throws<RpcException>(
            () => FrameServer.Start(new RpcDispatcher(), new FrameServerOptions { Listen = [world.Address] }));
        Assert.Equal((ErrorCatalog.ListenFailed, FsStatus.AddressInUse), (error.Code, error.Status));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _folder.Delete(recursive: true);
    }

    private FrameServerOptions Tls() => RpcWorld.Loopback(Quick) with
    {
        Tls = new SslServerAuthenticationOptions { ServerCertificate = _certificate },
    };

    private SslClientAuthenticationOptions Trusting() => new()
    {
        TargetHost = "distfs",
        RemoteCertificateValidationCallback = (_, shown, _, _) =>
            shown?.GetCertHashString() == _certificate.GetCertHashString(),
    };

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=distfs", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        using var made = request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
