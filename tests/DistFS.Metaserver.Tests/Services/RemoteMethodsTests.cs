using System.Reflection;
using DistFS.Metaserver.Services;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf.Reflection;

namespace DistFS.Metaserver.Tests.Services;

/// <summary>What is written down of each remote method is what its .proto file says.</summary>
public sealed class RemoteMethodsTests
{
    private static readonly Dictionary<string, MethodDescriptor> Contract = typeof(NodeReflection).Assembly.GetTypes()
        .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static))
        .Where(property => property?.PropertyType == typeof(FileDescriptor))
        .SelectMany(property => ((FileDescriptor)property!.GetValue(null)!).Services)
        .SelectMany(service => service.Methods)
        .ToDictionary(method => $"{method.Service.FullName}/{method.Name}");

    public static TheoryData<string> Written => [.. Methods().Select(method => method.FullName)];

    [Theory]
    [MemberData(nameof(Written))]
    public void AMethodIsAsTheContractHasIt(string name)
    {
        var written = Methods().Single(method => method.FullName == name);
        var method = Contract[name];
        Assert.Equal(method.GetOptions()?.GetExtension(OptionsExtensions.MethodId) ?? 0, written.Id);
        Assert.Equal(
            method.IsServerStreaming ? RpcMethodKind.ServerStreaming : RpcMethodKind.Unary, written.Kind);
        Assert.False(method.IsClientStreaming);
        var messages = written.GetType().GetGenericArguments();
        Assert.Equal((method.InputType.ClrType, method.OutputType.ClrType), (messages[0], messages[1]));
    }

    [Fact]
    public void NoMethodIsMissingOrThereTwice() =>
        Assert.Equal(Contract.Keys.Order(), Methods().Select(method => method.FullName).Order());

    private static IEnumerable<RpcMethod> Methods() =>
        new[] { typeof(NodeMethods).Assembly, typeof(AdminMethods).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static))
            .Where(field => field.FieldType.IsSubclassOf(typeof(RpcMethod)))
            .Select(field => (RpcMethod)field.GetValue(null)!);
}
