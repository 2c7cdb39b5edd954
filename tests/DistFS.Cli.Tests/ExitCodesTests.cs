namespace DistFS.Cli.Tests;

public class ExitCodesTests
{
    [Fact]
    public void Codes_are_those_that_scripts_know()
    {
        Assert.Equal(2, Of(ErrorCatalog.Usage));
        Assert.Equal(2, Of(ErrorCatalog.Configuration));
        Assert.Equal(3, Of(ErrorCatalog.UnknownCode));
        Assert.Equal(4, Of(ErrorCatalog.ConnectFailed));
        Assert.Equal(4, Of(ErrorCatalog.Overloaded));
        Assert.Equal(124, Of(ErrorCatalog.DeadlineExceeded));
        Assert.Equal(130, Of(ErrorCatalog.Cancelled));
        Assert.Equal(1, Of(ErrorCatalog.BadRequest));
        Assert.Equal(1, Of(ErrorCatalog.StoreCorrupt));
    }

    [Fact]
    public void Every_error_has_a_code_that_is_documented_and_is_no_success()
    {
        var known = ExitCodes.All.Select(row => row.Code).ToHashSet();
        Assert.All(ErrorCatalog.All, code => Assert.Contains(Of(code), known));
        Assert.All(ErrorCatalog.All, code => Assert.NotEqual(0, Of(code)));
        Assert.All(
            Enum.GetValues<FsStatus>().Where(status => status != FsStatus.Ok),
            status => Assert.NotEqual(0, ExitCodes.Of(status)));
    }

    private static int Of(ErrorCode code) => ExitCodes.Of(new DistFsException(code, "x"));
}
