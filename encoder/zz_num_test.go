package encoder
import ("testing";"time";"fmt";"os";"github.com/tinylib/msgp/msgp")
func TestNum(t *testing.T){
 if os.Getenv("MIN")=="" {t.Skip("dev")}
 e,_:=New(Options{})
 for name,f:=range map[string]func(b []byte,i int)[]byte{
  "int1":func(b []byte,i int)[]byte{return msgp.AppendInt(b,i%10)},
  "int3":func(b []byte,i int)[]byte{return msgp.AppendInt(b,100+i%900)},
  "int6":func(b []byte,i int)[]byte{return msgp.AppendInt(b,100000+i*7)},
  "int10":func(b []byte,i int)[]byte{return msgp.AppendInt(b,4_000_000_000+i*4096)},
  "int19":func(b []byte,i int)[]byte{return msgp.AppendInt(b,4_000_000_000_000_000_000+i*4096)},
  "float2":func(b []byte,i int)[]byte{return msgp.AppendFloat64(b,float64(i%900)/100)},
  "float17":func(b []byte,i int)[]byte{return msgp.AppendFloat64(b,float64(i%997)/997)},
  "nil":func(b []byte,i int)[]byte{return msgp.AppendNil(b)},
  "bool":func(b []byte,i int)[]byte{return msgp.AppendBool(b,i%3==0)},
 }{
  var chunk []byte
  for i:=range 300 { chunk=appendEventHeader(chunk,uint32(i),0); chunk=msgp.AppendArrayHeader(chunk,100); for j:=range 100 {chunk=f(chunk,i*100+j)}}
  var b Batch
  best:=time.Hour
  for range 150 { b.Reset(); st:=time.Now(); e.Append(&b,chunk,"t"); if d:=time.Since(st); d<best {best=d} }
  fmt.Printf("%s %.2f ns/value\n",name,float64(best.Nanoseconds())/30000)
 }
}
