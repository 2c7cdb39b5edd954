namespace DistFS.Rpc.Tests.Core;

public sealed class RpcAddressTests
{
    [Theory]
    [InlineData("localhost:9000", "localhost", 9000)]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("meta-1.example.org:65535", "meta-1.example.org", 65535)]
    [InlineData("[::1]:9000", "::1", 9000)]
    [InlineData("[2001:db8::1]:9000", "2001:db8::1", 9000)]
    public void Reads_and_writes_TCP(string text, string host, int port)
    {
        var address = RpcAddress.Parse(text);
        Assert.Equal((host, port, null), (address.Host, address.Port, address.Path));
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, RpcAddress.Parse(address.ToString()));
        Assert.Equal(address, RpcAddress.Tcp(host, port));
    }

    [Fact]
    public void Reads_and_writes_Unix_sockets()
    {
        var address = RpcAddress.Parse("unix:/run/dfs.sock");
        Assert.Equal((null, "/run/dfs.sock"), (address.Host, address.Path));
        Assert.Equal("unix:/run/dfs.sock", address.ToString());
        Assert.Equal(address, RpcAddress.Unix("/run/dfs.sock"));
        Assert.True(RpcAddress.TryParse("unix:" + new string('a', 107), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":9000")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData("host:-1")]
    [InlineData("host:+1")]
    [InlineData("host: 1")]
    [InlineData("host:65536")]
    [InlineData("host:99999999999")]
    [InlineData("host:9000x")]
    [InlineData("ho st:1")]
    [InlineData("::1:9000")]
    [InlineData("[::1:9000")]
    [InlineData("[host]:9000")]
    [InlineData("[127.0.0.1]:9000")]
    [InlineData("http://host:9000")]
    [InlineData("unix:")]
    [InlineData("unix:a\0b")]
    public void Refuses(string text)
    {
        Assert.False(RpcAddress.TryParse(text, out var address));
        Assert.Null(address);
        Assert.Equal(ErrorCatalog.Configuration, Assert.Throws<RpcException>(() => RpcAddress.Parse(text)).Code);
    }

    [Theory]
    [InlineData('a', 108)]
    [InlineData('é', 54)]
    public void A_path_longer_than_the_kernels_limit_is_refused(char letter, int count) =>
        Assert.False(RpcAddress.TryParse("unix:" + new string(letter, count), out _));
}
